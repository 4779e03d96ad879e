/* install and uninstall. */
#include "host/verbs.h"

#include "base/limits.h"
#include "base/memory.h"
#include "config/text.h"
#include "host/config_file.h"
#include "host/event_log.h"
#include "host/file_access.h"
#include "host/firewall.h"
#include "host/service_account.h"
#include "host/service_folder.h"
#include "host/service_paths.h"
#include "host/verbs_common.h"
#include "host/verbs_wait.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

static const char description_text[] = "Passes TCP connections on to other servers, and counts what it does. "
                                       "Configured by a server.ini; see fairlead status.";

/* What an installation is made of. */
struct installation {
    const struct command *command;
    const char *name;
    struct config *config;
    char *config_path; /* absolute */
    char *executable;
    char *image_path;
    char display_name[SERVICE_NAME_MAX + 20];
    struct service_account account;
};

/* --- paths --- */

static char *absolute(const char *path)
{
    wchar_t *wide = wide_from_text(path);
    char *text = NULL;

    if (wide == NULL)
        return NULL;
    DWORD length = GetFullPathNameW(wide, 0, NULL, NULL);
    wchar_t *full = length == 0 ? NULL : memory_allocate(length, sizeof *full);
    if (full != NULL && GetFullPathNameW(wide, length, full, NULL) < length)
        text = wide_to_text(full);
    memory_free(full);
    memory_free(wide);
    return text;
}

static char *own_executable(void)
{
    const DWORD size = 32768; /* the longest path of Windows */
    wchar_t *path = memory_allocate(size, sizeof *path);
    char *text = NULL;

    if (path == NULL)
        return NULL;
    DWORD length = GetModuleFileNameW(NULL, path, size);
    if (length > 0 && length < size)
        text = wide_to_text(path);
    memory_free(path);
    return text;
}

/* Quoted, because an unquoted path with a blank would let whoever may write C:\Program.exe have it started. Paths hold no quotes, and
 * neither ends in a backslash. */
static char *make_image_path(const struct installation *made)
{
    static const char format[] = "\"%s\" service --name %s -c \"%s\"";
    size_t bytes = sizeof format + strlen(made->executable) + strlen(made->name) + strlen(made->config_path);
    char *path = memory_allocate(bytes, 1);

    if (path != NULL)
        snprintf(path, bytes, format, made->executable, made->name, made->config_path);
    return path;
}

static int prepare_paths(struct installation *made, const char *configured)
{
    char *found = NULL;

    if (made->command->config == NULL && configured != NULL)
        found = memory_copy_string(configured);
    else
        found = config_file_find(made->command->config);
    if (found == NULL)
        return VERB_USAGE;
    made->config_path = absolute(found);
    memory_free(found);
    made->executable = own_executable();
    if (made->config_path == NULL || made->executable == NULL) {
        fprintf(stderr, "fairlead: out of memory; nothing was installed\n");
        return VERB_FAILED;
    }
    made->config = config_file_load(made->config_path, "; nothing was installed");
    if (made->config == NULL)
        return VERB_USAGE;
    made->image_path = make_image_path(made);
    return made->image_path == NULL ? VERB_FAILED : VERB_OK;
}

/* --- settings --- */

static void warn_setting(const struct installation *made, const char *what, struct manager_result result)
{
    char why[300];

    if (result.status != MANAGER_OK)
        fprintf(stderr, "fairlead: warning: the service %s could not be given %s: %s\n", made->name, what,
                service_result_text(&result, why, sizeof why));
}

static void apply_settings(const struct installation *made, struct service *service, bool delayed)
{
    uint32_t preshutdown_ms = made->config->server.drain_timeout_ms + SERVICE_PRESHUTDOWN_MARGIN_MS;

    warn_setting(made, "a description", service_set_text(service, description_text));
    warn_setting(made, "a restart after a failure", service_set_recovery(service));
    warn_setting(made, "a restart after an exit code that is not 0", service_set_recovery_on_exit(service));
    warn_setting(made, "an identity of its own", service_set_sid(service));
    warn_setting(made, "only the privileges that it needs", service_set_privileges(service));
    warn_setting(made, "time to drain when the system shuts down",
                 service_set_preshutdown(service, preshutdown_ms));
    struct manager_result result = service_set_delayed(service, delayed);
    if (delayed || result.status != MANAGER_UNSUPPORTED)
        warn_setting(made, "a delayed start", result);
}

/* What is about files and accounts and can be mended by people only. */
static void warn_of_files(const struct installation *made, const char *account)
{
    const char *log = made->config->server.log_file;
    char warning[600];

    if (file_access_warn(made->config_path, warning, sizeof warning))
        fprintf(stderr, "fairlead: warning: %s\n", warning);
    if (file_access_warn(made->executable, warning, sizeof warning))
        fprintf(stderr, "fairlead: warning: %s\n", warning);
    if (text_equal(account, "LocalSystem"))
        fprintf(stderr,
                "fairlead: warning: LocalSystem may do everything on this machine, which nothing here needs; "
                "NT SERVICE\\%s may not\n",
                made->name);
    else if (!service_folder_may_read(made->name, made->config_path))
        fprintf(stderr,
                "fairlead: warning: %s may not be able to read %s; to allow it: icacls \"%s\" /grant \"NT "
                "SERVICE\\%s:R\"\n",
                account, made->config_path, made->config_path, made->name);
    if (!service_folder_may_read(made->name, made->executable))
        fprintf(stderr,
                "fairlead: warning: %s may not be able to run %s; move it to a folder such as C:\\Program "
                "Files\\Fairlead\n",
                account, made->executable);
    if (log != NULL)
        fprintf(
            stderr,
            "fairlead: note: the log goes to %s, so %s must be able to write to that folder: icacls FOLDER "
            "/grant \"NT SERVICE\\%s:(OI)(CI)M\"\n",
            log, account, made->name);
    if (made->account.is_user)
        fprintf(stderr,
                "fairlead: note: %s needs the right \"Log on as a service\": secpol.msc, Local Policies, "
                "User Rights "
                "Assignment\n",
                account);
}

/* --- making and changing --- */

static struct service_settings settings_of(const struct installation *made, bool keep_account)
{
    struct service_settings settings = {.display_name = made->display_name, .image_path = made->image_path};

    if (!keep_account) {
        settings.account = made->account.name;
        settings.password = made->account.is_system ? NULL : made->account.password;
    }
    return settings;
}

static int create(struct installation *made)
{
    struct service_settings settings = settings_of(made, false);
    struct service *service = NULL;

    struct manager_result result = service_create(made->name, &settings, &service);
    if (result.status != MANAGER_OK)
        return verbs_say_failure(made->name, "cannot be installed", result);
    apply_settings(made, service, made->command->delayed);
    service_close(service);
    printf("service %s is installed: it starts at boot%s as %s, with %s\n", made->name,
           made->command->delayed ? ", two minutes late," : "", made->account.name, made->config_path);
    warn_of_files(made, made->account.name);
    return VERB_OK;
}

static bool say_change(const char *what, const char *before, const char *after)
{
    bool changed = before == NULL || !text_equal(before, after);

    if (changed)
        printf("%s: %s (was %s)\n", what, after, before == NULL ? "unknown" : before);
    return changed;
}

static int change(struct installation *made, struct verbs_service *found)
{
    bool keep_account = made->command->account == NULL;
    struct service_settings settings = settings_of(made, keep_account);
    struct service_state_now now;
    bool changed = false;
    const char *account = keep_account ? found->description.account : made->account.name;
    bool delayed = found->description.delayed || made->command->delayed;

    struct manager_result result = service_change(found->service, &settings);
    if (result.status != MANAGER_OK)
        return verbs_say_failure(made->name, "cannot be changed", result);
    apply_settings(made, found->service, delayed);
    changed |= say_change("executable", found->program, made->executable);
    changed |= say_change("configuration", found->config, made->config_path);
    changed |= say_change("account", found->description.account, account);
    changed |= say_change("start",
                          found->description.delayed     ? "delayed"
                          : found->description.automatic ? "at boot"
                                                         : "not at boot",
                          delayed ? "delayed" : "at boot");
    printf("service %s was installed already; %s\n", made->name,
           changed ? "it is changed" : "nothing had to change");
    if (changed && service_query(found->service, &now).status == MANAGER_OK &&
        now.state != SERVICE_IS_STOPPED)
        printf("it is running, and goes on as before until its next start: fairlead restart\n");
    warn_of_files(made, account);
    return VERB_OK;
}

/* What lies outside of the service manager. None of it keeps the service from running, so it is warned of. */
static int add_surroundings(struct installation *made)
{
    char why[300];
    char *log = verbs_log_file(made->name, made->config);
    uint32_t os_code = event_log_register(made->name, made->executable);
    int code = VERB_OK;

    if (os_code != 0)
        fprintf(stderr, "fairlead: warning: Event Viewer will show events of %s without their text: %s\n",
                made->name, wide_describe_error(os_code, why, sizeof why));
    if (!service_folder_prepare(made->name))
        code = VERB_FAILED;
    if (made->command->firewall && !firewall_allow(made->name, made->executable, made->config))
        code = VERB_FAILED;
    if (log != NULL)
        printf("log: %s\n", log);
    memory_free(log);
    return code;
}

static int install(struct installation *made)
{
    struct verbs_service found;

    enum verbs_found state = verbs_find(made->name, SERVICE_CHANGE, &found);
    int code = state == VERBS_UNUSABLE ? VERB_FAILED : prepare_paths(made, found.config);
    if (code == VERB_OK && (state == VERBS_MISSING || made->command->account != NULL) &&
        !service_account_choose(made->name, made->command->account, &made->account))
        code = VERB_USAGE;
    if (code == VERB_OK)
        code = state == VERBS_MISSING ? create(made) : change(made, &found);
    verbs_release(&found);
    return code == VERB_OK ? add_surroundings(made) : code;
}

int verbs_install(const struct command *command)
{
    struct installation made = {.command = command};

    made.name = command->name == NULL ? SERVICE_NAME_DEFAULT : command->name;
    if (text_equal(made.name, SERVICE_NAME_DEFAULT))
        snprintf(made.display_name, sizeof made.display_name, "Fairlead");
    else
        snprintf(made.display_name, sizeof made.display_name, "Fairlead %s", made.name);
    int code = install(&made);
    service_account_wipe(&made.account);
    config_free(made.config);
    memory_free(made.config_path);
    memory_free(made.executable);
    memory_free(made.image_path);
    return code;
}

/* --- uninstall --- */

/* Deleted is what nobody has open any more. */
static void wait_until_gone(const char *name)
{
    uint64_t end_ms = GetTickCount64() + SERVICE_GONE_MS;
    struct manager_result result;

    do {
        struct service *service = NULL;
        result = service_open(name, SERVICE_LOOK, &service);
        service_close(service);
        if (result.status != MANAGER_OK && result.status != MANAGER_MARKED)
            return;
        service_pause();
    } while (GetTickCount64() < end_ms);
    printf("it goes as soon as nothing has it open any more: close services.msc, Task Manager and Event "
           "Viewer\n");
}

static int remove_service(struct verbs_service *found)
{
    int code = verbs_stop_and_wait(found);

    if (code != VERB_OK)
        return code;
    struct manager_result result = service_delete(found->service);
    if (result.status != MANAGER_OK && result.status != MANAGER_MARKED)
        return verbs_say_failure(found->name, "cannot be removed", result);
    printf("service %s is removed\n", found->name);
    printf("its configuration stays: %s\n", found->config);
    return VERB_OK;
}

int verbs_uninstall(const struct command *command)
{
    const char *name = command->name == NULL ? SERVICE_NAME_DEFAULT : command->name;
    struct verbs_service found;
    int code = VERB_OK;

    enum verbs_found state = verbs_find(name, SERVICE_CHANGE, &found);
    if (state == VERBS_UNUSABLE)
        code = VERB_FAILED;
    else if (state == VERBS_MISSING)
        printf("there is no service %s, so there is nothing to remove\n", name);
    else
        code = remove_service(&found);
    verbs_release(&found);
    if (code != VERB_OK || state != VERBS_FOUND)
        return code;
    wait_until_gone(name);
    (void)event_log_unregister(
        name); /* one that is left shows old events with their text, which harms nobody */
    firewall_forget(name);
    char *folder = service_log_folder(name);
    if (folder != NULL)
        printf("its logs stay: %s\n", folder);
    memory_free(folder);
    return VERB_OK;
}
