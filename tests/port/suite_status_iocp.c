/* The table of codes, apart from any socket. */
#include "tests/port/suite_iocp.h"

#include "port/iocp_status.h"

static const uint32_t nt_codes[] = {0xC0000120U, 0xC000020DU, 0xC000020CU, 0xC000013BU, 0xC000013CU,
                                    0xC0000236U, 0xC00000B5U, 0xC000023CU, 0xC000023DU, 0xC000011FU,
                                    0xC000009AU, 0xC00000C4U, 0xC0000241U, 0xC0000240U, 0xC0000022U,
                                    0xC000023FU, 0xC0000017U, 0xC0000008U};

static void test_nt_codes_translate_as_the_system_does(void **state)
{
    (void)state;
    typedef ULONG WINAPI to_win32(LONG status);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    REQUIRE(ntdll != NULL);
    to_win32 *translate = (to_win32 *)(void (*)(void))GetProcAddress(ntdll, "RtlNtStatusToDosError");
    REQUIRE(translate != NULL);
    for (size_t i = 0; i < sizeof(nt_codes) / sizeof(nt_codes[0]); i++) {
        uint32_t code = 0;
        iocp_status_from_nt(nt_codes[i], &code);
        EXPECT(code == translate((LONG)nt_codes[i]));
    }
}

static void expect_nt(uint32_t nt_status, enum port_status expected, uint32_t expected_code)
{
    uint32_t code = 99;
    EXPECT(iocp_status_from_nt(nt_status, &code) == expected);
    EXPECT(code == expected_code);
}

static void test_nt_codes_become_what_the_contract_says(void **state)
{
    (void)state;
    expect_nt(0, PORT_OK, 0);
    expect_nt(0xC0000120U, PORT_CANCELLED, 995);
    expect_nt(0xC000020DU, PORT_RESET, 64);
    expect_nt(0xC0000241U, PORT_RESET, 1236);
    expect_nt(0xC0000236U, PORT_REFUSED, 1225);
    expect_nt(0xC00000B5U, PORT_TIMEOUT, 121);
    expect_nt(0xC000023DU, PORT_UNREACHABLE, 1232);
    expect_nt(0xC000011FU, PORT_EXHAUSTED, 4);
    expect_nt(0x80000005U, PORT_TOO_BIG, 234);
    expect_nt(0xC0FFEE00U, PORT_FAILED, 0xC0FFEE00U);
}

static void test_codes_of_calls_become_what_the_contract_says(void **state)
{
    (void)state;
    EXPECT(iocp_status_from_code(0) == PORT_OK);
    EXPECT(iocp_status_from_code(WSAECONNRESET) == PORT_RESET);
    EXPECT(iocp_status_from_code(WSAECONNREFUSED) == PORT_REFUSED);
    EXPECT(iocp_status_from_code(WSAETIMEDOUT) == PORT_TIMEOUT);
    EXPECT(iocp_status_from_code(WSAEHOSTUNREACH) == PORT_UNREACHABLE);
    EXPECT(iocp_status_from_code(WSAEMFILE) == PORT_EXHAUSTED);
    EXPECT(iocp_status_from_code(WSAENOBUFS) == PORT_EXHAUSTED);
    EXPECT(iocp_status_from_code(WSAEADDRINUSE) == PORT_IN_USE);
    EXPECT(iocp_status_from_code(WSAEACCES) == PORT_DENIED);
    EXPECT(iocp_status_from_code(WSAEADDRNOTAVAIL) == PORT_NO_ADDRESS);
    EXPECT(iocp_status_from_code(WSAHOST_NOT_FOUND) == PORT_NOT_FOUND);
    EXPECT(iocp_status_from_code(WSAEMSGSIZE) == PORT_TOO_BIG);
    EXPECT(iocp_status_from_code(4242) == PORT_FAILED);
}

/* Whatever the system says, an operation answers only what port.h lists for it. */
static void test_each_operation_answers_only_what_it_may(void **state)
{
    (void)state;
    for (int i = PORT_OK; i <= PORT_FAILED; i++) {
        enum port_status status = (enum port_status)i;
        enum port_status stream = iocp_status_for_stream(status);
        enum port_status connected = iocp_status_for_connect(status);
        enum port_status accepted = iocp_status_for_accept(status);
        enum port_status listening = iocp_status_for_listen(status);
        EXPECT(stream == PORT_OK || stream == PORT_END || stream == PORT_RESET || stream == PORT_TIMEOUT ||
               stream == PORT_CANCELLED || stream == PORT_EXHAUSTED || stream == PORT_FAILED);
        EXPECT(connected != PORT_END && connected != PORT_RESET && connected != PORT_IN_USE &&
               connected != PORT_NOT_FOUND && connected != PORT_TOO_BIG);
        EXPECT(accepted == PORT_OK || accepted == PORT_RESET || accepted == PORT_EXHAUSTED ||
               accepted == PORT_CANCELLED || accepted == PORT_FAILED);
        EXPECT(listening == PORT_OK || listening == PORT_IN_USE || listening == PORT_DENIED ||
               listening == PORT_NO_ADDRESS || listening == PORT_EXHAUSTED || listening == PORT_FAILED);
        EXPECT((status == PORT_OK) == (stream == PORT_OK) && (status == PORT_OK) == (connected == PORT_OK));
        EXPECT((status == PORT_OK) == (accepted == PORT_OK) && (status == PORT_OK) == (listening == PORT_OK));
    }
}

int suite_run_iocp_status(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(test_nt_codes_translate_as_the_system_does),
        SUITE_TEST(test_nt_codes_become_what_the_contract_says),
        SUITE_TEST(test_codes_of_calls_become_what_the_contract_says),
        SUITE_TEST(test_each_operation_answers_only_what_it_may),
    };
    return cmocka_run_group_tests_name("iocp status", tests, NULL, NULL);
}
