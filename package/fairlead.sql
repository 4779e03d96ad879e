-- What the installer's database needs beyond fairlead.wxs, because wixl has no words for it.
-- scripts/package.py runs each statement; they end in a semicolon at the end of a line. {NAMES} are replaced.

-- server.ini: 256 64-bit, 16 permanent (a removal leaves it), 128 never overwritten (an upgrade leaves it).
UPDATE `Component` SET `Attributes` = 400 WHERE `Component` = 'configuration';
UPDATE `Component` SET `Attributes` = 272 WHERE `Component` = 'data';
UPDATE `Component` SET `Condition` = 'ADDPATH <> "0"' WHERE `Component` = 'path';

-- A file without a version loses against one with a version that lies there already, so an upgrade would keep the
-- old executable. A hash is for files without a version.
UPDATE `File` SET `Version` = '{VERSION}.0' WHERE `File` = 'fairlead.exe';
UPDATE `File` SET `Language` = '1033' WHERE `File` = 'fairlead.exe';
DELETE FROM `MsiFileHash` WHERE `File_` = 'fairlead.exe';

-- PATH of the machine: = set at installation, - remove at removal, * of the machine, [~] what is there already.
CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`);
INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) VALUES ('path', '=-*PATH', '[~];[INSTALLFOLDER]', 'path');
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveEnvironmentStrings', 3300);
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('WriteEnvironmentStrings', 5200);

-- Everybody may create files below ProgramData, and what is in this folder decides where traffic goes: it belongs to
-- the system (SY) and the administrators (BA). Services (SU) read it, whichever account Fairlead runs as; others do
-- not, because server.ini may hold the token of the statistics. Set once: what an administrator changes stays.
CREATE TABLE `MsiLockPermissionsEx` (`MsiLockPermissionsEx` CHAR(72) NOT NULL, `LockObject` CHAR(72) NOT NULL, `Table` CHAR(32) NOT NULL, `SDDLText` CHAR(0) NOT NULL, `Condition` CHAR(255) PRIMARY KEY `MsiLockPermissionsEx`);
INSERT INTO `MsiLockPermissionsEx` (`MsiLockPermissionsEx`, `LockObject`, `Table`, `SDDLText`, `Condition`) VALUES ('data', 'DATAFOLDER', 'CreateFolder', 'D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;SU)', 'NOT Installed AND NOT OLDERFOUND');

-- What is there already. Root 2 is HKEY_LOCAL_MACHINE, type 18 a value of the 64-bit registry.
INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) VALUES ('InstallFolder', 2, 'SOFTWARE\Fairlead', 'InstallFolder', 18);
INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) VALUES ('ServiceImage', 2, 'SYSTEM\CurrentControlSet\Services\fairlead', 'ImagePath', 18);
INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) VALUES ('ServiceStart', 2, 'SYSTEM\CurrentControlSet\Services\fairlead', 'Start', 18);
INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) VALUES ('WindowsMajor', 2, 'SOFTWARE\Microsoft\Windows NT\CurrentVersion', 'CurrentMajorVersionNumber', 18);
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('INSTALLFOLDER', 'InstallFolder');
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('SERVICEIMAGE', 'ServiceImage');
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('SERVICESTART', 'ServiceStart');
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('WINDOWSMAJOR', 'WindowsMajor');
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('AppSearch', 50);
INSERT INTO `InstallUISequence` (`Action`, `Sequence`) VALUES ('AppSearch', 50);

-- Up to and including this version (512): replaced. Above it (2, only looked for): the launch condition refuses.
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `VersionMax`, `Attributes`, `ActionProperty`) VALUES ('{UPGRADE_CODE}', '0.0.0', '{VERSION}', 768, 'OLDERFOUND');
INSERT INTO `Upgrade` (`UpgradeCode`, `VersionMin`, `Attributes`, `ActionProperty`) VALUES ('{UPGRADE_CODE}', '{VERSION}', 2, 'NEWERFOUND');
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('FindRelatedProducts', 25);
INSERT INTO `InstallUISequence` (`Action`, `Sequence`) VALUES ('FindRelatedProducts', 25);
-- Inside the transaction: an upgrade that fails brings the old version back.
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveExistingProducts', 1510);

-- What "Apps" in the settings shows.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('SetInstallLocation', 51, 'ARPINSTALLLOCATION', '[INSTALLFOLDER]');
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('SetInstallLocation', 1001);

-- Options of the verb install, for the actions that scripts/package_msi.py adds. Type 51 sets a property.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('SetFirewall', 51, 'InstallOptions', ' --firewall');
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('SetDelayed', 51, 'InstallOptions', '[InstallOptions] --delayed');
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('SetFirewall', 'FIREWALL = "1"', 1002);
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('SetDelayed', 'DELAYED = "1"', 1003);
