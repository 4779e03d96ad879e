#include "host/service_folder.h"

#include "base/memory.h"
#include "host/service_paths.h"
#include "host/system_library.h"
#include "host/wide.h"

#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { SHA1_BYTES = 20 };

/* --- the identity of a service --- */

typedef LONG WINAPI open_algorithm(void **algorithm, const wchar_t *id, const wchar_t *provider, ULONG flags);
typedef LONG WINAPI close_algorithm(void *algorithm, ULONG flags);
typedef LONG WINAPI create_hash(void *algorithm, void **hash, UCHAR *object, ULONG object_bytes,
                                UCHAR *secret, ULONG secret_bytes, ULONG flags);
typedef LONG WINAPI hash_data(void *hash, UCHAR *data, ULONG bytes, ULONG flags);
typedef LONG WINAPI finish_hash(void *hash, UCHAR *out, ULONG bytes, ULONG flags);
typedef LONG WINAPI destroy_hash(void *hash);

static system_function *bcrypt(const char *function)
{
    return system_library_find(L"bcrypt.dll", function);
}

static bool sha1(UCHAR *data, ULONG bytes, UCHAR out[SHA1_BYTES])
{
    open_algorithm *open = (open_algorithm *)bcrypt("BCryptOpenAlgorithmProvider");
    close_algorithm *close = (close_algorithm *)bcrypt("BCryptCloseAlgorithmProvider");
    create_hash *create = (create_hash *)bcrypt("BCryptCreateHash");
    hash_data *feed = (hash_data *)bcrypt("BCryptHashData");
    finish_hash *finish = (finish_hash *)bcrypt("BCryptFinishHash");
    destroy_hash *destroy = (destroy_hash *)bcrypt("BCryptDestroyHash");
    void *algorithm = NULL;
    void *hash = NULL;
    bool done = false;

    if (open == NULL || close == NULL || create == NULL || feed == NULL || finish == NULL || destroy == NULL)
        return false;
    if (open(&algorithm, L"SHA1", NULL, 0) < 0)
        return false;
    if (create(algorithm, &hash, NULL, 0, NULL, 0, 0) >= 0) {
        done = feed(hash, data, bytes, 0) >= 0 && finish(hash, out, SHA1_BYTES, 0) >= 0;
        destroy(hash);
    }
    close(algorithm, 0);
    return done;
}

bool service_folder_sid(const char *name, char sid[SERVICE_SID_TEXT_BYTES])
{
    UCHAR wide[512];
    UCHAR digest[SHA1_BYTES];
    size_t length = strlen(name);

    if (length > sizeof wide / 2)
        return false;
    for (size_t i = 0; i < length; i++) {
        wide[2 * i] = (UCHAR)toupper((unsigned char)name[i]); /* names are ASCII */
        wide[2 * i + 1] = 0;
    }
    if (!sha1(wide, (ULONG)(2 * length), digest))
        return false;
    int written = snprintf(sid, SERVICE_SID_TEXT_BYTES, "S-1-5-80");
    for (size_t i = 0; i < SHA1_BYTES; i += 4) {
        uint32_t part = digest[i] | (uint32_t)digest[i + 1] << 8 | (uint32_t)digest[i + 2] << 16 |
                        (uint32_t)digest[i + 3] << 24;
        written +=
            snprintf(sid + written, (size_t)(SERVICE_SID_TEXT_BYTES - written), "-%lu", (unsigned long)part);
    }
    return true;
}

/* --- folders --- */

static bool refuse(const char *folder, const char *what, uint32_t os_code)
{
    char why[300];

    fprintf(stderr, "fairlead: the folder %s %s: %s\n", folder, what,
            wide_describe_error(os_code, why, sizeof why));
    return false;
}

/* Owner, rights, and protection from what is inherited. A folder that somebody else made first would be somebody else's, so it
 * gets an owner too. */
static uint32_t secure(wchar_t *path, PSECURITY_DESCRIPTOR descriptor)
{
    PSID owner = NULL;
    PACL rights = NULL;
    BOOL defaulted;
    BOOL present;

    if (!GetSecurityDescriptorOwner(descriptor, &owner, &defaulted) ||
        !GetSecurityDescriptorDacl(descriptor, &present, &rights, &defaulted))
        return GetLastError();
    return SetNamedSecurityInfoW(path, SE_FILE_OBJECT,
                                 OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                                     PROTECTED_DACL_SECURITY_INFORMATION,
                                 owner, NULL, rights, NULL);
}

static bool make_folder(const char *folder, wchar_t *path, PSECURITY_DESCRIPTOR descriptor)
{
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, descriptor, FALSE};

    if (CreateDirectoryW(path, &attributes))
        return true;
    uint32_t os_code = GetLastError();
    if (os_code != ERROR_ALREADY_EXISTS)
        return refuse(folder, "cannot be made", os_code);
    DWORD found = GetFileAttributesW(path);
    if (found == INVALID_FILE_ATTRIBUTES || (found & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
        (found & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
        fprintf(stderr,
                "fairlead: %s is a link or a file, where a folder should be; remove it and install again\n",
                folder);
        return false;
    }
    os_code = secure(path, descriptor);
    return os_code == ERROR_SUCCESS ? true : refuse(folder, "cannot be given its rights", os_code);
}

/* SYSTEM and administrators everything, the service `rights`, nobody else anything. */
static bool prepare_folder(const char *folder, const char *sid, const char *rights)
{
    char text[SERVICE_SID_TEXT_BYTES + 100];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    bool done = false;

    snprintf(text, sizeof text, "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;%s;;;%s)", rights, sid);
    wchar_t *wide = wide_from_text(text);
    wchar_t *path = wide_from_text(folder);
    if (wide == NULL || path == NULL)
        refuse(folder, "cannot be made", ERROR_NOT_ENOUGH_MEMORY);
    else if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(wide, SDDL_REVISION_1, &descriptor, NULL))
        refuse(folder, "cannot be made", GetLastError());
    else
        done = make_folder(folder, path, descriptor);
    if (descriptor != NULL)
        LocalFree(descriptor);
    memory_free(path);
    memory_free(wide);
    return done;
}

bool service_folder_prepare(const char *name)
{
    static const char read_only[] = "0x1200a9"; /* read and walk */
    static const char modify[] = "0x1301bf";    /* read, write, delete; not change rights */
    char *folder = service_data_folder(name);
    char *logs = service_log_folder(name);
    char sid[SERVICE_SID_TEXT_BYTES];
    bool done = false;

    if (folder == NULL || logs == NULL || !service_folder_sid(name, sid))
        fprintf(
            stderr,
            "fairlead: the folder for the logs cannot be made: the system does not tell where or for whom\n");
    else
        done = prepare_folder(folder, sid, read_only) && prepare_folder(logs, sid, modify);
    memory_free(logs);
    memory_free(folder);
    return done;
}

/* --- files --- */

/* The identities that every service has, and its own. */
static bool is_one_of_the_service(PSID sid, const char *own)
{
    static const char *const all[] = {"S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-6", "S-1-5-80-0"};
    wchar_t *wide = NULL;
    bool found = false;

    if (!ConvertSidToStringSidW(sid, &wide))
        return false;
    char *text = wide_to_text(wide);
    LocalFree(wide);
    if (text != NULL) {
        found = strcmp(text, own) == 0;
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            found = found || strcmp(text, all[i]) == 0;
    }
    memory_free(text);
    return found;
}

static bool rights_allow(PACL rights, const char *own)
{
    const DWORD reading = FILE_READ_DATA | GENERIC_READ | GENERIC_ALL;

    if (rights == NULL)
        return true; /* no list: everybody may everything */
    for (WORD i = 0; i < rights->AceCount; i++) {
        void *entry = NULL;
        if (!GetAce(rights, i, &entry))
            return true;
        const ACCESS_ALLOWED_ACE *ace = entry; /* a denying one has the same shape */
        if ((ace->Header.AceFlags & INHERIT_ONLY_ACE) != 0 || (ace->Mask & reading) == 0 ||
            ace->Header.AceType > ACCESS_DENIED_ACE_TYPE || !is_one_of_the_service((PSID)&ace->SidStart, own))
            continue;
        return ace->Header.AceType == ACCESS_ALLOWED_ACE_TYPE;
    }
    return false;
}

bool service_folder_may_read(const char *name, const char *path)
{
    char own[SERVICE_SID_TEXT_BYTES];
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PACL rights = NULL;
    wchar_t *wide = wide_from_text(path);
    bool may = true;

    if (wide != NULL && service_folder_sid(name, own) &&
        GetNamedSecurityInfoW(wide, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &rights, NULL,
                              &descriptor) == ERROR_SUCCESS) {
        may = rights_allow(rights, own);
        LocalFree(descriptor);
    }
    memory_free(wide);
    return may;
}
