/* What people read. */
#include "tests/port/port_suite.h"

static void test_every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = PORT_OK; i <= PORT_FAILED; i++) {
        const char *text = port_status_text((enum port_status)i);
        EXPECT(text != NULL && text[0] != '\0');
        for (int j = PORT_OK; j < i; j++)
            EXPECT(strcmp(text, port_status_text((enum port_status)j)) != 0);
    }
    EXPECT(port_status_text((enum port_status)1000) != NULL);
}

static void test_describe_names_the_code_of_the_system(void **state)
{
    (void)state;
    char text[80];
    EXPECT(strcmp(port_status_describe(PORT_REFUSED, 1225, text, sizeof(text)),
                  "connection refused (os error 1225)") == 0);
    EXPECT(strcmp(port_status_describe(PORT_OK, 0, text, sizeof(text)), "success") == 0);
    EXPECT(strcmp(port_status_describe(PORT_FAILED, 0xC0000001U, text, sizeof(text)),
                  "failed (os error 0xC0000001)") == 0);
    EXPECT(strcmp(port_status_describe(PORT_REFUSED, 1225, text, 11), "connection") == 0);
}

int suite_run_status(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_every_status_has_a_text_of_its_own),
        SUITE_TEST(test_describe_names_the_code_of_the_system),
    };
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
