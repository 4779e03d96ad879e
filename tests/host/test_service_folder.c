/* service_folder: the identity of a service, and the folder that is made for it. */
#include "tests/host/host_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host/service_folder.h"

#include <stdio.h>

/* Windows gives this one to its own service; it is in the access lists of its files. */
static void test_identity_is_the_one_that_windows_computes(void **state)
{
    char sid[SERVICE_SID_TEXT_BYTES];
    (void)state;

    assert_true(service_folder_sid("TrustedInstaller", sid));
    assert_string_equal(sid, "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
    assert_true(service_folder_sid("trustedinstaller", sid));
    assert_string_equal(sid, "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464");
}

static void test_file_that_everyone_may_read_can_be_read_by_a_service(void **state)
{
    char path[300];
    (void)state;

    snprintf(path, sizeof path, "%s\\server.ini", suite_folder("service_folder"));
    suite_write(path, "x\n");
    assert_true(service_folder_may_read("fairlead", path));
    assert_true(service_folder_may_read("fairlead", "C:\\no\\such\\file"));
}

int suite_run_service_folder(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_is_the_one_that_windows_computes),
        cmocka_unit_test(test_file_that_everyone_may_read_can_be_read_by_a_service),
    };
    return cmocka_run_group_tests_name("service_folder", tests, NULL, NULL);
}
