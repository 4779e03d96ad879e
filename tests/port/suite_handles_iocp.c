/*
 * What happens when handles run out. Needs a limit that can be reached, which only the shell can set:
 *
 *   ulimit -n 400; wine64 port_suite.exe few-handles
 */
#include "tests/port/suite_iocp.h"

enum { SOCKETS_MAX = 4000 };

static struct port_socket sockets[SOCKETS_MAX];

static uint32_t open_all(void)
{
    uint32_t os_code = 0;
    uint32_t count = 0;
    memset(sockets, 0, sizeof(sockets));
    for (; count < SOCKETS_MAX; count++) {
        enum port_status status = port_open(suite.port, &sockets[count], ADDRESS_V4, &os_code);
        if (status == PORT_OK)
            continue;
        EXPECT(status == PORT_EXHAUSTED);
        EXPECT(os_code != 0);
        EXPECT(sockets[count].port == NULL);
        break;
    }
    return count;
}

static void test_exhaustion_is_told_and_passes(void **state)
{
    (void)state;
    static struct suite_step accept;
    memset(&accept, 0, sizeof(accept));
    uint32_t os_code = 0;
    struct port_socket listener = {0};
    struct address address = suite_listen(&listener);
    uint32_t count = open_all();
    REQUIRE(count > 0 && count < SOCKETS_MAX);
    suite_accept(&accept, &listener);
    EXPECT(suite_finish(&accept) == PORT_EXHAUSTED);
    struct port_socket second = {0};
    EXPECT(port_listen(suite.port, &second, &address, &os_code) == PORT_EXHAUSTED);
    for (uint32_t i = 0; i < count; i++)
        port_close(&sockets[i]);
    port_close(&listener);
    struct suite_pair pair;
    suite_connect_pairs(&pair, 1);
    suite_close_pair(&pair);
}

int suite_run_iocp_handles(void)
{
    const struct CMUnitTest tests[] = {SUITE_TEST(test_exhaustion_is_told_and_passes)};
    return cmocka_run_group_tests_name("iocp handles", tests, NULL, NULL);
}
