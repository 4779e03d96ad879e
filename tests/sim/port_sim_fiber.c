#if !defined(__x86_64__)
#define _XOPEN_SOURCE 700 /* ucontext */
#endif

#include "tests/sim/port_sim_fiber.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIBER_STACK_BYTES = 256 * 1024 };

static struct fiber *current;
static void *host_position;
static void *host_shadow;
static const void *host_stack;
static size_t host_stack_bytes;

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(HAS_SANITIZER)
void __sanitizer_start_switch_fiber(void **shadow, const void *stack, size_t bytes);
void __sanitizer_finish_switch_fiber(void *shadow, const void **stack, size_t *bytes);
void __asan_unpoison_memory_region(void const volatile *memory, size_t bytes);
#else
static void __sanitizer_start_switch_fiber(void **shadow, const void *stack, size_t bytes)
{
    (void)shadow;
    (void)stack;
    (void)bytes;
}
static void __sanitizer_finish_switch_fiber(void *shadow, const void **stack, size_t *bytes)
{
    (void)shadow;
    (void)stack;
    (void)bytes;
}
static void __asan_unpoison_memory_region(void const volatile *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
}
#endif

static void fiber_run(void)
{
    __sanitizer_finish_switch_fiber(NULL, &host_stack, &host_stack_bytes);
    struct fiber *fiber = current;
    fiber->main(fiber->context);
    fiber->ended = true;
    fiber_leave();
    abort();
}

#if defined(__x86_64__)

/* swapcontext costs two system calls; this costs a dozen instructions. Keeps the registers that the ABI says a callee keeps. */
void fiber_switch(void **from, void *to);
__asm__(".text\n"
        ".globl fiber_switch\n"
        ".type fiber_switch, @function\n"
        "fiber_switch:\n"
        "    pushq %rbp\n"
        "    pushq %rbx\n"
        "    pushq %r12\n"
        "    pushq %r13\n"
        "    pushq %r14\n"
        "    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n"
        "    popq %r14\n"
        "    popq %r13\n"
        "    popq %r12\n"
        "    popq %rbx\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size fiber_switch, . - fiber_switch\n");

static void fiber_prepare(struct fiber *fiber)
{
    uintptr_t top = ((uintptr_t)fiber->stack + FIBER_STACK_BYTES) & ~(uintptr_t)15;
    uint64_t *words = (uint64_t *)top;
    *--words = 0; /* where a return address would be, and it keeps the stack aligned as after a call */
    *--words = (uint64_t)(uintptr_t)fiber_run;
    for (int i = 0; i < 6; i++) {
        *--words = 0;
    }
    fiber->position = words;
}

#else

#include <ucontext.h>

static void fiber_switch(void **from, void *to)
{
    static ucontext_t host_context;
    if (*from == NULL) {
        *from = &host_context;
    }
    swapcontext(*from, to);
}

static void fiber_prepare(struct fiber *fiber)
{
    ucontext_t *context =
        calloc(1, sizeof *context); /* once per start; a test of a few worlds can afford it */
    if (context == NULL || getcontext(context) != 0) {
        abort();
    }
    context->uc_stack.ss_sp = fiber->stack;
    context->uc_stack.ss_size = FIBER_STACK_BYTES;
    makecontext(context, fiber_run, 0);
    free(fiber->position);
    fiber->position = context;
}

#endif

void fiber_start(struct fiber *fiber, fiber_main *main, void *context)
{
    if (fiber->stack == NULL) {
        fiber->stack = malloc(FIBER_STACK_BYTES);
        if (fiber->stack == NULL) {
            abort();
        }
    }
    __asan_unpoison_memory_region(fiber->stack, FIBER_STACK_BYTES);
    fiber->main = main;
    fiber->context = context;
    fiber->shadow = NULL;
    fiber->ended = false;
    fiber_prepare(fiber);
}

void fiber_enter(struct fiber *fiber)
{
    current = fiber;
    __sanitizer_start_switch_fiber(&host_shadow, fiber->stack, FIBER_STACK_BYTES);
    fiber_switch(&host_position, fiber->position);
    __sanitizer_finish_switch_fiber(host_shadow, NULL, NULL);
    current = NULL;
}

void fiber_leave(void)
{
    struct fiber *fiber = current;
    __sanitizer_start_switch_fiber(fiber->ended ? NULL : &fiber->shadow, host_stack, host_stack_bytes);
    fiber_switch(&fiber->position, host_position);
    __sanitizer_finish_switch_fiber(fiber->shadow, &host_stack, &host_stack_bytes);
}

struct fiber *fiber_current(void)
{
    return current;
}
