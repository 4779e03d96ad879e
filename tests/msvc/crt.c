/*
 * crt: what Microsoft's static C library brings and Wine's ucrtbase does not: the parts that compiled code itself
 * refers to. With Wine's start-up code it becomes the libcmt.lib of the stand-in linker.
 *
 * It makes code run that was compiled with /GS and /guard:cf. It protects nothing: the cookie is a constant, and the
 * check of an indirect call says yes to all.
 */
#include <stdint.h>

#pragma comment(lib, "ntdll")
#pragma comment(lib, "kernel32")

void abort(void);

int _fltused = 1;

uintptr_t __security_cookie = 0x00002B992DDFA232;

void __security_check_cookie(uintptr_t cookie)
{
    if (cookie != __security_cookie)
        abort();
}

/* The unwinder asks this for functions with a cookie; 1 is ExceptionContinueSearch. */
int __GSHandlerCheck(void *record, void *frame, void *context, void *dispatcher)
{
    (void)record;
    (void)frame;
    (void)context;
    (void)dispatcher;
    return 1;
}

static void check_call(void *target)
{
    (void)target;
}

/* A dispatched call has its target in rax. */
__asm__(".globl guard_dispatch_nop\n"
        "guard_dispatch_nop:\n"
        "    jmp *%rax\n");
void guard_dispatch_nop(void);

void (*__guard_check_icall_fptr)(void *) = check_call;
void (*__guard_dispatch_icall_fptr)(void) = guard_dispatch_nop;

/*
 * IMAGE_LOAD_CONFIG_DIRECTORY64, in assembly because the linker fills in symbols whose address is the number. Here it
 * finds the cookie and the tables of /guard:cf.
 */
__asm__(".section .rdata,\"dr\"\n"
        ".globl _load_config_used\n"
        ".p2align 4\n"
        "_load_config_used:\n"
        "    .long 0x100\n"
        "    .zero 84\n"
        "    .quad __security_cookie\n"
        "    .zero 16\n"
        "    .quad __guard_check_icall_fptr\n"
        "    .quad __guard_dispatch_icall_fptr\n"
        "    .quad __guard_fids_table\n"
        "    .quad __guard_fids_count\n"
        "    .long __guard_flags\n"
        "    .zero 12\n"
        "    .quad __guard_iat_table\n"
        "    .quad __guard_iat_count\n"
        "    .quad __guard_longjmp_table\n"
        "    .quad __guard_longjmp_count\n"
        "    .zero 64\n");
