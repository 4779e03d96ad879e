#include "host/service_paths.h"

#include "base/memory.h"
#include "host/system_library.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

/* ProgramData itself. */
static char *program_data(void)
{
    /* FOLDERID_ProgramData, which only a library of GUIDs has. */
    static const GUID program_data_id = {0x62AB5D82,
                                         0xFDC1,
                                         0x4DC3,
                                         {0xA9, 0xDD, 0x07, 0x0D, 0x1D, 0x49, 0x5D, 0x97}};
    typedef HRESULT WINAPI get_folder(const GUID *id, DWORD flags, HANDLE user, wchar_t **path);
    typedef void WINAPI free_memory(void *memory);
    wchar_t *path = NULL;
    char *text = NULL;

    get_folder *get = (get_folder *)system_library_find(L"shell32.dll", "SHGetKnownFolderPath");
    free_memory *release = (free_memory *)system_library_find(L"ole32.dll", "CoTaskMemFree");
    if (get == NULL || release == NULL)
        return NULL;
    if (SUCCEEDED(get(&program_data_id, 0, NULL, &path)))
        text = wide_to_text(path);
    release(path);
    return text;
}

/* PROGRAMDATA\NAME and what comes behind it. */
static char *folder_of(const char *name, const char *rest)
{
    char *root = program_data();
    char *folder = NULL;

    if (root != NULL) {
        size_t bytes = strlen(root) + strlen(name) + strlen(rest) + 2;
        folder = memory_allocate(bytes, 1);
        if (folder != NULL)
            snprintf(folder, bytes, "%s\\%s%s", root, name, rest);
    }
    memory_free(root);
    return folder;
}

char *service_data_folder(const char *name)
{
    return folder_of(name, "");
}

char *service_log_folder(const char *name)
{
    return folder_of(name, "\\logs");
}
