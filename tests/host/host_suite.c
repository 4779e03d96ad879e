#include "tests/host/host_suite.h"

#include "base/memory.h"
#include "host/process.h"
#include "host/service.h"

#include <windows.h>

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *suite_fairlead;
const char *suite_program;

static void delete_files(const char *folder)
{
    char path[2 * MAX_PATH];
    WIN32_FIND_DATAA found;

    snprintf(path, sizeof path, "%s\\*", folder);
    HANDLE search = FindFirstFileA(path, &found);
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        snprintf(path, sizeof path, "%s\\%s", folder, found.cFileName);
        (void)DeleteFileA(path); /* fails for the two that are folders */
    } while (FindNextFileA(search, &found));
    FindClose(search);
}

const char *suite_folder(const char *name)
{
    static char path[MAX_PATH + 64];
    char temporary[MAX_PATH];

    GetTempPathA(sizeof temporary, temporary);
    snprintf(path, sizeof path, "%sfairlead-host-suite", temporary);
    CreateDirectoryA(path, NULL);
    size_t length = strlen(path);
    snprintf(path + length, sizeof path - length, "\\%s", name);
    CreateDirectoryA(path, NULL);
    delete_files(path);
    return path;
}

void suite_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

char *suite_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t bytes = 0;
    char *text = memory_allocate(1024 * 1024, 1);

    if (file != NULL) {
        bytes = fread(text, 1, 1024 * 1024 - 1, file);
        fclose(file);
    }
    text[bytes] = '\0';
    return text;
}

static int run_all(void)
{
    int failed = suite_run_event_log();
    failed += suite_run_file_access();
    failed += suite_run_service_folder();
    failed += suite_run_crash();
    failed += suite_run_service();
    failed += suite_run_runner();
    return failed == 0 ? 0 : 1;
}

int main(void)
{
    size_t count = 0;
    process_prepare();
    char **words = process_arguments(&count);

    suite_program = process_path();
    if (count == 4 && strcmp(words[1], "crash") == 0)
        return suite_crash(words[2], words[3]);
    if (count == 6 && strcmp(words[1], "service") == 0)
        return service_run(words[3], words[5]);
    if (count != 2) {
        fputs("usage: host_suite FAIRLEAD.EXE\n", stderr);
        return 2;
    }
    suite_fairlead = words[1];
    return run_all();
}
