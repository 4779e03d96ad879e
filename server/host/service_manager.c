#include "host/service_manager.h"

#include "base/limits.h"
#include "base/memory.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>

struct service {
    SC_HANDLE manager;
    SC_HANDLE handle;
};

/* --- results --- */

static struct manager_result result_of(uint32_t os_code)
{
    static const struct {
        uint32_t os_code;
        enum manager_status status;
    } table[] = {
        {ERROR_SUCCESS, MANAGER_OK},
        {ERROR_ACCESS_DENIED, MANAGER_DENIED},
        {ERROR_SERVICE_DOES_NOT_EXIST, MANAGER_MISSING},
        {ERROR_SERVICE_EXISTS, MANAGER_EXISTS},
        {ERROR_DUPLICATE_SERVICE_NAME, MANAGER_EXISTS},
        {ERROR_SERVICE_MARKED_FOR_DELETE, MANAGER_MARKED},
        {ERROR_SERVICE_ALREADY_RUNNING, MANAGER_RUNNING},
        {ERROR_SERVICE_NOT_ACTIVE, MANAGER_STOPPED},
        {ERROR_SERVICE_CANNOT_ACCEPT_CTRL, MANAGER_BUSY},
        {ERROR_SERVICE_DISABLED, MANAGER_DISABLED},
        {ERROR_SERVICE_LOGON_FAILED, MANAGER_LOGON},
        {ERROR_INVALID_SERVICE_ACCOUNT, MANAGER_ACCOUNT},
        {ERROR_FILE_NOT_FOUND, MANAGER_NO_FILE},
        {ERROR_PATH_NOT_FOUND, MANAGER_NO_FILE},
        {ERROR_INVALID_LEVEL, MANAGER_UNSUPPORTED},
        {ERROR_CALL_NOT_IMPLEMENTED, MANAGER_UNSUPPORTED},
        {ERROR_NOT_ENOUGH_MEMORY, MANAGER_MEMORY},
    };
    struct manager_result result = {MANAGER_FAILED, os_code};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].os_code == os_code)
            result.status = table[i].status;
    }
    return result;
}

static struct manager_result last_result(BOOL succeeded)
{
    return result_of(succeeded ? ERROR_SUCCESS : GetLastError());
}

const char *service_result_text(const struct manager_result *result, char *text, uint32_t text_bytes)
{
    return wide_describe_error(result->os_code, text, text_bytes);
}

/* --- opening --- */

static struct manager_result wrap(SC_HANDLE manager, SC_HANDLE handle, uint32_t os_code,
                                  struct service **service)
{
    *service = NULL;
    if (handle != NULL)
        *service = memory_allocate(1, sizeof **service);
    if (*service != NULL) {
        (*service)->manager = manager;
        (*service)->handle = handle;
        return result_of(ERROR_SUCCESS);
    }
    if (handle != NULL) {
        CloseServiceHandle(handle);
        os_code = ERROR_NOT_ENOUGH_MEMORY;
    }
    CloseServiceHandle(manager);
    return result_of(os_code);
}

static DWORD rights_of(enum service_access access)
{
    const DWORD look = SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG;
    const DWORD use = SERVICE_START | SERVICE_STOP | SERVICE_PAUSE_CONTINUE; /* the last is for PARAMCHANGE */

    if (access == SERVICE_LOOK)
        return look;
    return access == SERVICE_USE ? look | use : look | use | SERVICE_CHANGE_CONFIG | DELETE;
}

struct manager_result service_open(const char *name, enum service_access access, struct service **service)
{
    *service = NULL;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    if (manager == NULL)
        return last_result(FALSE);
    wchar_t *wide = wide_from_text(name);
    SC_HANDLE handle = wide == NULL ? NULL : OpenServiceW(manager, wide, rights_of(access));
    uint32_t os_code = wide == NULL ? ERROR_NOT_ENOUGH_MEMORY : GetLastError();
    memory_free(wide);
    return wrap(manager, handle, os_code, service);
}

void service_close(struct service *service)
{
    if (service == NULL)
        return;
    CloseServiceHandle(service->handle);
    CloseServiceHandle(service->manager);
    memory_free(service);
}

/* --- what a service is --- */

/* The settings in UTF-16. */
struct wide_settings {
    wchar_t *display_name;
    wchar_t *image_path;
    wchar_t *account;
    wchar_t *password;
};

static void free_wide(struct wide_settings *wide)
{
    if (wide->password != NULL)
        SecureZeroMemory(wide->password, wcslen(wide->password) * sizeof *wide->password);
    memory_free(wide->display_name);
    memory_free(wide->image_path);
    memory_free(wide->account);
    memory_free(wide->password);
}

static bool make_wide(const struct service_settings *settings, struct wide_settings *wide)
{
    wide->display_name = wide_from_text(settings->display_name);
    wide->image_path = wide_from_text(settings->image_path);
    wide->account = settings->account == NULL ? NULL : wide_from_text(settings->account);
    wide->password = settings->password == NULL ? NULL : wide_from_text(settings->password);
    bool whole = wide->display_name != NULL && wide->image_path != NULL &&
                 (settings->account == NULL || wide->account != NULL) &&
                 (settings->password == NULL || wide->password != NULL);
    if (!whole)
        free_wide(wide);
    return whole;
}

struct manager_result service_create(const char *name, const struct service_settings *settings,
                                     struct service **service)
{
    struct wide_settings wide;

    *service = NULL;
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE);
    if (manager == NULL)
        return last_result(FALSE);
    wchar_t *wide_name = wide_from_text(name);
    if (wide_name == NULL || !make_wide(settings, &wide)) {
        memory_free(wide_name);
        return wrap(manager, NULL, ERROR_NOT_ENOUGH_MEMORY, service);
    }
    SC_HANDLE handle = CreateServiceW(manager, wide_name, wide.display_name, rights_of(SERVICE_CHANGE),
                                      SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL,
                                      wide.image_path, NULL, NULL, NULL, wide.account, wide.password);
    uint32_t os_code = GetLastError();
    free_wide(&wide);
    memory_free(wide_name);
    return wrap(manager, handle, os_code, service);
}

struct manager_result service_change(struct service *service, const struct service_settings *settings)
{
    struct wide_settings wide;

    if (!make_wide(settings, &wide))
        return result_of(ERROR_NOT_ENOUGH_MEMORY);
    struct manager_result result =
        last_result(ChangeServiceConfigW(service->handle, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                         SERVICE_ERROR_NORMAL, wide.image_path, NULL, NULL, NULL,
                                         wide.account, wide.password, wide.display_name));
    free_wide(&wide);
    return result;
}

static bool read_delayed(struct service *service)
{
    SERVICE_DELAYED_AUTO_START_INFO info = {FALSE};
    DWORD needed = 0;

    return QueryServiceConfig2W(service->handle, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (BYTE *)&info,
                                sizeof info, &needed) &&
           info.fDelayedAutostart;
}

struct manager_result service_describe(struct service *service, struct service_description *description)
{
    DWORD needed = 0;

    *description = (struct service_description){.image_path = NULL};
    if (!QueryServiceConfigW(service->handle, NULL, 0, &needed) &&
        GetLastError() != ERROR_INSUFFICIENT_BUFFER)
        return last_result(FALSE);
    QUERY_SERVICE_CONFIGW *config = memory_allocate(1, needed);
    if (config == NULL)
        return result_of(ERROR_NOT_ENOUGH_MEMORY);
    struct manager_result result = last_result(QueryServiceConfigW(service->handle, config, needed, &needed));
    if (result.status == MANAGER_OK) {
        const wchar_t *account = config->lpServiceStartName;
        description->image_path = wide_to_text(config->lpBinaryPathName);
        description->account = wide_to_text(account == NULL ? L"LocalSystem" : account);
        description->automatic = config->dwStartType == SERVICE_AUTO_START;
        description->disabled = config->dwStartType == SERVICE_DISABLED;
        description->delayed = read_delayed(service);
        if (description->image_path == NULL || description->account == NULL)
            result = result_of(ERROR_NOT_ENOUGH_MEMORY);
    }
    memory_free(config);
    return result;
}

void service_description_free(struct service_description *description)
{
    memory_free(description->image_path);
    memory_free(description->account);
    description->image_path = NULL;
    description->account = NULL;
}

/* --- single settings --- */

static struct manager_result set(struct service *service, DWORD level, void *info)
{
    return last_result(ChangeServiceConfig2W(service->handle, level, info));
}

struct manager_result service_set_text(struct service *service, const char *description)
{
    SERVICE_DESCRIPTIONW info = {wide_from_text(description)};

    if (info.lpDescription == NULL)
        return result_of(ERROR_NOT_ENOUGH_MEMORY);
    struct manager_result result = set(service, SERVICE_CONFIG_DESCRIPTION, &info);
    memory_free(info.lpDescription);
    return result;
}

struct manager_result service_set_delayed(struct service *service, bool delayed)
{
    SERVICE_DELAYED_AUTO_START_INFO info = {delayed};

    return set(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO, &info);
}

struct manager_result service_set_recovery(struct service *service)
{
    SC_ACTION actions[] = {{SC_ACTION_RESTART, SERVICE_RESTART_FIRST_MS},
                           {SC_ACTION_RESTART, SERVICE_RESTART_SECOND_MS},
                           {SC_ACTION_RESTART, SERVICE_RESTART_LATER_MS}};
    SERVICE_FAILURE_ACTIONSW info = {SERVICE_RESTART_RESET_S, NULL, NULL, 3, actions};

    return set(service, SERVICE_CONFIG_FAILURE_ACTIONS, &info);
}

/* Without this recovery acts on crashes only. */
struct manager_result service_set_recovery_on_exit(struct service *service)
{
    SERVICE_FAILURE_ACTIONS_FLAG info = {TRUE};

    return set(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &info);
}

/* The service's own identity is in its token, whatever its account, so that rights can be given to it alone. */
struct manager_result service_set_sid(struct service *service)
{
    SERVICE_SID_INFO info = {SERVICE_SID_TYPE_UNRESTRICTED};

    return set(service, SERVICE_CONFIG_SERVICE_SID_INFO, &info);
}

/* Everybody has this one, and without it paths cannot be walked through folders that may not be listed. All others are taken away,
 * also from LocalSystem. */
struct manager_result service_set_privileges(struct service *service)
{
    wchar_t privileges[] = L"SeChangeNotifyPrivilege\0";
    SERVICE_REQUIRED_PRIVILEGES_INFOW info = {privileges};

    return set(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &info);
}

struct manager_result service_set_preshutdown(struct service *service, uint32_t time_ms)
{
    SERVICE_PRESHUTDOWN_INFO info = {time_ms};

    return set(service, SERVICE_CONFIG_PRESHUTDOWN_INFO, &info);
}

struct manager_result service_read_recovery(struct service *service, uint32_t delays_ms[3], uint32_t *count)
{
    DWORD needed = 0;

    *count = 0;
    if (!QueryServiceConfig2W(service->handle, SERVICE_CONFIG_FAILURE_ACTIONS, NULL, 0, &needed) &&
        GetLastError() != ERROR_INSUFFICIENT_BUFFER)
        return last_result(FALSE);
    SERVICE_FAILURE_ACTIONSW *info = memory_allocate(1, needed);
    if (info == NULL)
        return result_of(ERROR_NOT_ENOUGH_MEMORY);
    struct manager_result result = last_result(
        QueryServiceConfig2W(service->handle, SERVICE_CONFIG_FAILURE_ACTIONS, (BYTE *)info, needed, &needed));
    for (DWORD i = 0; result.status == MANAGER_OK && i < info->cActions && *count < 3; i++) {
        if (info->lpsaActions[i].Type == SC_ACTION_RESTART)
            delays_ms[(*count)++] = info->lpsaActions[i].Delay;
    }
    memory_free(info);
    return result;
}

/* --- what a service does --- */

static enum service_state state_of(DWORD state)
{
    switch (state) {
    case SERVICE_STOPPED:
        return SERVICE_IS_STOPPED;
    case SERVICE_START_PENDING:
        return SERVICE_IS_STARTING;
    case SERVICE_RUNNING:
        return SERVICE_IS_RUNNING;
    case SERVICE_STOP_PENDING:
        return SERVICE_IS_STOPPING;
    default:
        return SERVICE_IS_OTHER;
    }
}

struct manager_result service_query(struct service *service, struct service_state_now *now)
{
    SERVICE_STATUS_PROCESS status;
    DWORD needed = 0;

    *now = (struct service_state_now){.state = SERVICE_IS_OTHER};
    struct manager_result result = last_result(QueryServiceStatusEx(service->handle, SC_STATUS_PROCESS_INFO,
                                                                    (BYTE *)&status, sizeof status, &needed));
    if (result.status != MANAGER_OK)
        return result;
    now->state = state_of(status.dwCurrentState);
    now->pid = status.dwProcessId;
    now->exit_code = status.dwWin32ExitCode;
    if (status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR)
        now->specific_exit_code = status.dwServiceSpecificExitCode;
    now->checkpoint = status.dwCheckPoint;
    now->wait_hint_ms = status.dwWaitHint;
    return result;
}

static struct manager_result control(struct service *service, DWORD code)
{
    SERVICE_STATUS status;

    return last_result(ControlService(service->handle, code, &status));
}

struct manager_result service_start(struct service *service)
{
    return last_result(StartServiceW(service->handle, 0, NULL));
}

struct manager_result service_stop(struct service *service)
{
    return control(service, SERVICE_CONTROL_STOP);
}

struct manager_result service_reload(struct service *service)
{
    return control(service, SERVICE_CONTROL_PARAMCHANGE);
}

struct manager_result service_delete(struct service *service)
{
    return last_result(DeleteService(service->handle));
}

void service_pause(void)
{
    SleepEx(SERVICE_LOOK_MS, FALSE); /* lint: allow sleep: a state to look at, and no handle to wait on */
}
