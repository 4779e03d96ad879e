/*
 * service_account: the account that --account names, as the service manager wants it, with its password if it has one.
 *
 * Main thread; the console is asked for the password of an ordinary user.
 */
#ifndef FAIRLEAD_HOST_SERVICE_ACCOUNT_H
#define FAIRLEAD_HOST_SERVICE_ACCOUNT_H

#include <stdbool.h>

enum { SERVICE_ACCOUNT_BYTES = 300, SERVICE_PASSWORD_BYTES = 300 };

struct service_account {
    char name[SERVICE_ACCOUNT_BYTES];
    char password[SERVICE_PASSWORD_BYTES]; /* empty for what has none */
    bool is_system;                        /* LocalSystem: its password is no text at all */
    bool is_user; /* an ordinary or a managed one: nobody gave it the right to log on as a service yet */
};

/* `given` may be NULL: the service's own virtual account. False: what is wrong was said. */
bool service_account_choose(const char *service, const char *given, struct service_account *account);

/* Forgets the password. */
void service_account_wipe(struct service_account *account);

#endif
