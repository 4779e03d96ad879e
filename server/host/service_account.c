#include "host/service_account.h"

#include "base/memory.h"
#include "config/text.h"
#include "host/wide.h"

#include <windows.h>

#include <stdio.h>
#include <string.h>

static const struct {
    const char *given;
    const char *name;
} built_in[] = {
    {"LocalSystem", "LocalSystem"},
    {"System", "LocalSystem"},
    {".\\LocalSystem", "LocalSystem"},
    {"NT AUTHORITY\\System", "LocalSystem"},
    {"LocalService", "NT AUTHORITY\\LocalService"},
    {"NT AUTHORITY\\LocalService", "NT AUTHORITY\\LocalService"},
    {"NetworkService", "NT AUTHORITY\\NetworkService"},
    {"NT AUTHORITY\\NetworkService", "NT AUTHORITY\\NetworkService"},
};

static const char virtual_domain[] = "NT SERVICE\\";

static bool begins_with(const char *text, const char *beginning)
{
    for (; *beginning != '\0'; text++, beginning++) {
        if (text_lower(*text) != text_lower(*beginning))
            return false;
    }
    return true;
}

/* Reads a line from the console without showing it. False: there is no console, or nothing came. */
static bool read_hidden(HANDLE console, char *text, size_t text_bytes)
{
    wchar_t wide[SERVICE_PASSWORD_BYTES];
    DWORD mode = 0;
    DWORD length = 0;

    if (!GetConsoleMode(console, &mode) ||
        !SetConsoleMode(console, ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT))
        return false;
    BOOL done = ReadConsoleW(console, wide, SERVICE_PASSWORD_BYTES - 1, &length, NULL);
    SetConsoleMode(console, mode);
    while (length > 0 && (wide[length - 1] == L'\n' || wide[length - 1] == L'\r'))
        length--;
    wide[done ? length : 0] = L'\0';
    char *plain = wide_to_text(wide);
    bool fits = plain != NULL && strlen(plain) < text_bytes;
    snprintf(text, text_bytes, "%s", fits ? plain : "");
    if (plain != NULL)
        SecureZeroMemory(plain, strlen(plain));
    memory_free(plain);
    SecureZeroMemory(wide, sizeof wide);
    return done && fits && length > 0;
}

/* A password is not taken from the command line, where other programs and the shell's history see it. */
static bool ask_password(struct service_account *account)
{
    HANDLE console = GetStdHandle(STD_INPUT_HANDLE);
    DWORD mode;

    if (console == NULL || console == INVALID_HANDLE_VALUE || !GetConsoleMode(console, &mode)) {
        fprintf(stderr,
                "fairlead: the account %s has a password, which is asked for in a console only; run this in "
                "one, or use "
                "an account without a password (NT SERVICE\\NAME, a managed account DOMAIN\\name$)\n",
                account->name);
        return false;
    }
    fprintf(stderr, "Password of %s: ", account->name);
    bool done = read_hidden(console, account->password, sizeof account->password);
    fprintf(stderr, "\n");
    if (!done)
        fprintf(stderr, "fairlead: no password was given\n");
    return done;
}

static bool choose_user(const char *given, struct service_account *account)
{
    bool has_domain = strchr(given, '\\') != NULL || strchr(given, '@') != NULL;

    account->is_user = true;
    snprintf(account->name, sizeof account->name, "%s%s", has_domain ? "" : ".\\", given);
    if (given[strlen(given) - 1] == '$')
        return true; /* the domain keeps its password */
    return ask_password(account);
}

bool service_account_choose(const char *service, const char *given, struct service_account *account)
{
    memset(account, 0, sizeof *account);
    if (given == NULL) {
        snprintf(account->name, sizeof account->name, "%s%s", virtual_domain, service);
        return true;
    }
    if (strlen(given) > SERVICE_ACCOUNT_BYTES - 20) {
        fprintf(stderr, "fairlead: no account has a name as long as the one of --account\n");
        return false;
    }
    for (size_t i = 0; i < sizeof built_in / sizeof built_in[0]; i++) {
        if (text_equal(given, built_in[i].given)) {
            snprintf(account->name, sizeof account->name, "%s", built_in[i].name);
            account->is_system = strcmp(account->name, "LocalSystem") == 0;
            return true;
        }
    }
    if (!begins_with(given, virtual_domain))
        return choose_user(given, account);
    if (!text_equal(given + strlen(virtual_domain), service)) {
        fprintf(stderr,
                "fairlead: the service %s cannot have the account of another service, %s; its own is %s%s\n",
                service, given, virtual_domain, service);
        return false;
    }
    snprintf(account->name, sizeof account->name, "%s%s", virtual_domain, service);
    return true;
}

void service_account_wipe(struct service_account *account)
{
    SecureZeroMemory(account->password, sizeof account->password);
}
