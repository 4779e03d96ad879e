#include "host/file_access.h"

#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>
#include <aclapi.h>
#include <sddl.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

struct group {
    const char *name;
    const wchar_t *sid;
};

static const struct group groups[] = {
    {"Everyone", L"S-1-1-0"},    {"Users", L"S-1-5-32-545"},  {"Authenticated Users", L"S-1-5-11"},
    {"INTERACTIVE", L"S-1-5-4"}, {"Guests", L"S-1-5-32-546"},
};

static const DWORD file_rights = FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER;
/* Whoever may delete the files of a folder, or rename the folder itself, may put others there. Adding new ones is harmless: the
 * file's place is taken, and no library is looked for there. */
static const DWORD folder_rights = FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER;

/* S-1-5-21-x-y-z-513 in any domain. */
static bool is_domain_users(PSID sid)
{
    const UCHAR parts = *GetSidSubAuthorityCount(sid);

    return parts == 5 && *GetSidSubAuthority(sid, 0) == SECURITY_NT_NON_UNIQUE &&
           *GetSidSubAuthority(sid, 4) == DOMAIN_GROUP_RID_USERS;
}

static DWORD mapped(DWORD mask)
{
    GENERIC_MAPPING mapping = {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

    MapGenericMask(&mask, &mapping);
    return mask;
}

/* What one group is allowed by a list, in the order that the system reads it: what was denied before stays denied. NULL as `sid` is
 * Domain Users. */
static DWORD allowed_to(ACL *list, PSID sid)
{
    DWORD allowed = 0;
    DWORD denied = 0;

    for (DWORD i = 0; i < list->AceCount; i++) {
        void *found = NULL;
        if (!GetAce(list, i, &found))
            break;
        /* Both kinds that matter have the same shape; others, for audit or with conditions, are passed over. */
        const ACCESS_ALLOWED_ACE *entry = found;
        PSID whose = (PSID) & ((ACCESS_ALLOWED_ACE *)found)->SidStart;
        bool allows = entry->Header.AceType == ACCESS_ALLOWED_ACE_TYPE;
        if (!allows && entry->Header.AceType != ACCESS_DENIED_ACE_TYPE)
            continue;
        if ((entry->Header.AceFlags & INHERIT_ONLY_ACE) != 0)
            continue;
        if (sid != NULL ? !EqualSid(whose, sid) : !is_domain_users(whose))
            continue;
        if (allows)
            allowed |= mapped(entry->Mask) & ~denied;
        else
            denied |= mapped(entry->Mask);
    }
    return allowed;
}

/* The first group that has one of these rights; NULL: none has. */
static const struct group *find_group(ACL *list, DWORD rights)
{
    static const struct group domain_users = {"Domain Users", NULL};

    if (list == NULL)
        return &groups[0]; /* without a list everybody may do everything */
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        PSID sid = NULL;
        if (!ConvertStringSidToSidW(groups[i].sid, &sid))
            continue;
        DWORD allowed = allowed_to(list, sid);
        LocalFree(sid);
        if ((allowed & rights) != 0)
            return &groups[i];
    }
    return (allowed_to(list, NULL) & rights) != 0 ? &domain_users : NULL;
}

const char *file_access_find(void *list, uint32_t rights)
{
    const struct group *group = find_group(list, rights);

    return group != NULL ? group->name : NULL;
}

static const struct group *find_writers(wchar_t *path, DWORD rights)
{
    ACL *list = NULL;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    const struct group *found = NULL;

    if (GetNamedSecurityInfoW(path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, NULL, NULL, &list, NULL,
                              &descriptor) != ERROR_SUCCESS)
        return NULL;
    found = find_group(list, rights);
    LocalFree(descriptor);
    return found;
}

/* /inheritance:d makes inherited entries the file's own, because only those can be replaced; reading stays, the service's account
 * may get it from the same group. */
static void describe(wchar_t *path, const struct group *group, bool folder, char *text, size_t text_bytes)
{
    char *name = wide_to_text(path);
    char who[64];

    if (group->sid != NULL)
        snprintf(who, sizeof who, "*%ls", group->sid);
    else
        snprintf(who, sizeof who, "\"%s\"", group->name);
    snprintf(
        text, text_bytes,
        "%s%s can be changed by ordinary users (%s), and so can what is served; to end that: icacls \"%s\" "
        "/inheritance:d /grant:r %s:%s",
        folder ? "the folder " : "", name != NULL ? name : "a file", group->name, name != NULL ? name : "",
        who, folder ? "(OI)(CI)RX" : "RX");
    memory_free(name);
}

/* The whole path, so that the command can be pasted anywhere. */
static wchar_t *full_path(const char *path)
{
    wchar_t *given = wide_from_text(path);
    wchar_t *full = NULL;

    if (given == NULL)
        return NULL;
    DWORD size = GetFullPathNameW(given, 0, NULL, NULL);
    if (size > 0)
        full = memory_allocate(size, sizeof *full);
    if (full != NULL && GetFullPathNameW(given, size, full, NULL) == 0) {
        memory_free(full);
        full = NULL;
    }
    memory_free(given);
    return full;
}

bool file_access_warn(const char *path, char *warning, size_t warning_bytes)
{
    wchar_t *full = full_path(path);
    const struct group *group = NULL;

    if (full == NULL)
        return false;
    group = find_writers(full, file_rights);
    if (group != NULL) {
        describe(full, group, false, warning, warning_bytes);
        goto done;
    }
    wchar_t *slash = wcsrchr(full, L'\\');
    if (slash == NULL)
        goto done;
    /* The folder of a drive keeps its backslash. */
    slash[slash > full && slash[-1] == L':' ? 1 : 0] = L'\0';
    group = find_writers(full, folder_rights);
    if (group != NULL)
        describe(full, group, true, warning, warning_bytes);
done:
    memory_free(full);
    return group != NULL;
}
