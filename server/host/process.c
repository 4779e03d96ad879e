#include "host/process.h"

#include "base/arguments.h"
#include "base/memory.h"
#include "base/random.h"
#include "host/crash.h"
#include "host/system_library.h"
#include "host/wide.h"

#include <windows.h>
#include <psapi.h>

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>

static UINT console_code_page; /* of the console before us; 0: there is none */
static char *argument_text;
static char **arguments;

/* What nothing here needs and attackers like: other people's code by extension points, and images from shares or written by
 * processes of low integrity. A system that does not know one of these goes on without it. */
static void forbid_foreign_code(void)
{
    PROCESS_MITIGATION_EXTENSION_POINT_DISABLE_POLICY points = {0};
    PROCESS_MITIGATION_IMAGE_LOAD_POLICY images = {0};

    points.DisableExtensionPoints = 1;
    (void)SetProcessMitigationPolicy(ProcessExtensionPointDisablePolicy, &points, sizeof points);
    images.NoRemoteImages = 1;
    images.NoLowMandatoryLabelImages = 1;
    images.PreferSystem32Images = 1;
    (void)SetProcessMitigationPolicy(ProcessImageLoadPolicy, &images, sizeof images);
}

void process_prepare(void)
{
    SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
    HeapSetInformation(NULL, HeapEnableTerminationOnCorruption, NULL, 0);
    /* A missing drive or floppy is an error to report, not a box on a screen that nobody watches. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOOPENFILEERRORBOX);
    forbid_foreign_code();
    crash_prepare();

    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stderr), _O_BINARY);
    console_code_page = GetConsoleOutputCP();
    if (console_code_page != 0)
        SetConsoleOutputCP(CP_UTF8);
}

void process_end(void)
{
    fflush(stdout);
    /* The code page belongs to the console, which outlives this process. */
    if (console_code_page != 0)
        SetConsoleOutputCP(console_code_page);
    memory_free(arguments);
    memory_free(argument_text);
    arguments = NULL;
    argument_text = NULL;
}

char **process_arguments(size_t *count)
{
    argument_text = wide_to_text(GetCommandLineW());
    if (argument_text == NULL)
        return NULL;
    size_t max = strlen(argument_text) / 2 + 1;
    arguments = memory_allocate(max + 1, sizeof *arguments);
    if (arguments != NULL)
        *count = arguments_split(argument_text, arguments, max);
    return arguments;
}

char *process_path(void)
{
    char *text = NULL;
    const DWORD size = 32768; /* the longest path of Windows */
    wchar_t *path = memory_allocate(size, sizeof *path);

    if (path == NULL)
        return NULL;
    DWORD length = GetModuleFileNameW(NULL, path, size);
    if (length > 0 && length < size)
        text = wide_to_text(path);
    memory_free(path);
    return text;
}

char *process_folder(void)
{
    char *path = process_path();
    char *slash = path != NULL ? strrchr(path, '\\') : NULL;

    if (slash != NULL)
        slash[1] = '\0';
    return path;
}

uint32_t process_id(void)
{
    return GetCurrentProcessId();
}

static bool read_system_random(uint64_t *value)
{
    typedef LONG WINAPI generate(void *algorithm, UCHAR *buffer, ULONG bytes, ULONG flags);
    const ULONG use_system_preferred = 2;

    generate *function = (generate *)system_library_find(L"bcrypt.dll", "BCryptGenRandom");
    return function != NULL && function(NULL, (UCHAR *)value, sizeof *value, use_system_preferred) >= 0;
}

uint64_t process_random_seed(void)
{
    uint64_t seed = 0;
    LARGE_INTEGER counter;
    FILETIME now;

    if (read_system_random(&seed))
        return seed;
    /* Guessable with effort, yet better than no server: the seed only keeps clients from choosing their hash.
     * */
    QueryPerformanceCounter(&counter);
    GetSystemTimePreciseAsFileTime(&now);
    seed = random_mix((uint64_t)counter.QuadPart);
    seed = random_mix(seed ^ ((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime));
    return random_mix(seed ^ GetCurrentProcessId() ^ (uint64_t)(uintptr_t)&seed);
}

void process_read(struct stats_process *process)
{
    PROCESS_MEMORY_COUNTERS memory;
    DWORD handles = 0;

    memset(&memory, 0, sizeof memory);
    memory.cb = sizeof memory;
    if (!K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory))
        memory.WorkingSetSize = 0;
    if (!GetProcessHandleCount(GetCurrentProcess(), &handles))
        handles = 0;
    process->memory_bytes = memory.WorkingSetSize;
    process->handles = handles;
}
