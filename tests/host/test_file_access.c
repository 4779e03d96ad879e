/* Which access lists earn a warning. */
#include "tests/host/host_suite.h"

#include "host/file_access.h"

#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static void set_list(const char *path, const char *sddl)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;

    assert_true(
        ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1, &descriptor, NULL));
    assert_true(SetFileSecurityA(path, DACL_SECURITY_INFORMATION, descriptor));
    LocalFree(descriptor);
}

/* Everything for SYSTEM and the administrators, as it should be, and `more`. */
static bool warns(const char *more, char *warning, size_t bytes)
{
    char path[MAX_PATH + 32];
    char sddl[300];

    snprintf(path, sizeof path, "%s\\server.ini", suite_folder("access list"));
    suite_write(path, "[listener a]\n");
    snprintf(sddl, sizeof sddl, "D:P(A;;FA;;;SY)(A;;FA;;;BA)%s", more);
    set_list(path, sddl);
    bool warned = file_access_warn(path, warning, bytes);
    set_list(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)");
    return warned;
}

/* Wine keeps no access lists: it makes Unix permissions of them, for the owner and for everybody, and back. What it can keep is tried
 * here; the rest on Windows. */
static void test_file_that_everyone_may_write_is_named_with_the_way_to_mend_it(void **state)
{
    char warning[600] = "";

    (void)state;
    assert_true(warns("(A;;FRFW;;;WD)", warning, sizeof warning));
    assert_non_null(strstr(warning, "access list\\server.ini can be changed by ordinary users (Everyone)"));
    assert_non_null(strstr(warning, "icacls \""));
    assert_non_null(strstr(warning, "/inheritance:d /grant:r *S-1-1-0:RX"));
}

static void test_file_that_everyone_may_read_is_right(void **state)
{
    char warning[600] = "";

    (void)state;
    if (warns("(A;;FR;;;WD)", warning, sizeof warning))
        fail_msg("%s", warning);
}

static void test_file_of_administrators_is_right(void **state)
{
    char warning[600] = "";

    (void)state;
    if (warns("", warning, sizeof warning))
        fail_msg("%s", warning);
}

static void test_missing_file_is_not_warned_of(void **state)
{
    char warning[600] = "";

    (void)state;
    assert_false(file_access_warn("Z:\\no\\such\\folder\\server.ini", warning, sizeof warning));
}

static void expect_group(const char *sddl, const char *name)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    BOOL present = FALSE;
    BOOL defaulted = FALSE;
    ACL *list = NULL;

    assert_true(
        ConvertStringSecurityDescriptorToSecurityDescriptorA(sddl, SDDL_REVISION_1, &descriptor, NULL));
    assert_true(GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted));
    const char *found = file_access_find(list, FILE_WRITE_DATA | DELETE | WRITE_DAC);
    if (found == NULL ? name != NULL : name == NULL || strcmp(found, name) != 0)
        fail_msg("%s: %s, expected %s", sddl, found != NULL ? found : "nobody",
                 name != NULL ? name : "nobody");
    LocalFree(descriptor);
}

static void test_ordinary_groups_with_a_right_to_change_are_found(void **state)
{
    (void)state;
    expect_group("D:(A;;FW;;;WD)", "Everyone");
    expect_group("D:(A;;FA;;;BA)(A;;GW;;;BU)", "Users");
    expect_group("D:(A;;FA;;;BA)(A;ID;0x1301bf;;;AU)", "Authenticated Users"); /* what C:\ hands down */
    expect_group("D:(A;;SD;;;IU)", "INTERACTIVE");
    expect_group("D:(A;;WD;;;BG)", "Guests");
    expect_group("D:(A;;FA;;;S-1-5-21-1-2-3-513)", "Domain Users");
}

static void test_others_and_other_rights_are_not(void **state)
{
    (void)state;
    expect_group("D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;S-1-5-80-1-2-3-4-5)", NULL);
    expect_group("D:(A;;FA;;;S-1-5-21-1-2-3-1001)", NULL); /* one account is somebody's decision */
    expect_group("D:(A;;FA;;;S-1-5-21-1-2-3-512)", NULL);
    expect_group("D:(A;;FR;;;WD)(A;;FX;;;BU)(A;;GR;;;AU)", NULL);
    expect_group("D:(A;OICIIO;FA;;;BU)", NULL); /* for what is in a folder */
    expect_group("D:(D;;FA;;;BU)(A;;FA;;;BU)", NULL);
    expect_group("D:(D;;FW;;;BU)(A;;FA;;;BU)", "Users"); /* may still delete it */
}

static void test_no_list_lets_everybody_in(void **state)
{
    (void)state;
    assert_string_equal(file_access_find(NULL, FILE_WRITE_DATA), "Everyone");
}

int suite_run_file_access(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary_groups_with_a_right_to_change_are_found),
        cmocka_unit_test(test_others_and_other_rights_are_not),
        cmocka_unit_test(test_no_list_lets_everybody_in),
        cmocka_unit_test(test_file_that_everyone_may_write_is_named_with_the_way_to_mend_it),
        cmocka_unit_test(test_file_that_everyone_may_read_is_right),
        cmocka_unit_test(test_file_of_administrators_is_right),
        cmocka_unit_test(test_missing_file_is_not_warned_of),
    };
    return cmocka_run_group_tests_name("file_access", tests, NULL, NULL);
}
