# GNU make, for Linux: the Windows program by mingw-w64, and the native programs that test its portable part.
#
#   make                build/mingw/fairlead.exe
#   make build-bench    build/bench/load and build/bench/target, native, optimised, without sanitizers
#   make build-instructions   build/native-o2/instructions, whose instructions scripts/instructions.sh counts
#   make test           every test (scripts/test.sh); make unit, port, host, sim, fuzz, system, bench, msvc or lint: one kind
#   make format         clang-format over all sources
#   make clean          removes what was built, but not the libraries in build/deps
#
#   V=1                 print whole commands
#   WERROR=             warnings do not end the build
#   SAN=trap            the Windows program with undefined behaviour trapped, in build/mingw-trap
#   SANITIZE=           the native programs without ASan and UBSan
#   CROSS, NATIVE_CC, FUZZ_CC   other compilers (the last must be clang)
#
# A source is found by its folder; nothing is listed here. scripts/deps.sh gets the libraries and runs by itself.

CROSS     ?= x86_64-w64-mingw32-
NATIVE_CC ?= gcc
FUZZ_CC   ?= clang
WERROR    ?= -Werror
SANITIZE  ?= -fsanitize=address,undefined -fno-sanitize-recover=all
SAN       ?=
V         ?=

Q := $(if $(V),,@)

# A recipe that fails must not leave a half-written target behind.
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all test unit port host sim fuzz system bench msvc lint format clean build-unit build-port build-host build-sim \
        build-fuzz build-bench build-bench-tests build-instructions FORCE

all:

# ---- what is built from what -------------------------------------------------------------------------------

FOLDERS  := config server server/base server/port server/relay server/stats server/admin server/host
SOURCES  := $(sort $(wildcard $(FOLDERS:=/*.c)))
RESOURCE := $(wildcard server/host/fairlead.rc)
MESSAGES := $(wildcard server/host/fairlead.mc)

# What knows Windows; everything else is portable and is tested natively.
WINDOWS  := $(filter server/main.c server/host/% server/port/port_iocp% server/port/iocp%,$(SOURCES)) \
            $(filter %_win.c,$(SOURCES))
# Of the host's only what calls no system.
WINDOWS  := $(filter-out server/host/service_progress.c,$(WINDOWS))
PORTABLE := $(filter-out $(WINDOWS),$(SOURCES))

UNIT_TESTS := $(sort $(wildcard tests/unit/test_*.c))
UNIT_PARTS := $(filter-out $(UNIT_TESTS),$(sort $(wildcard tests/unit/*.c)))
SUPPORT    := $(sort $(wildcard tests/support/*.c))
PORT_TESTS := $(sort $(wildcard tests/port/*.c))
HOST_TESTS := $(sort $(wildcard tests/host/*.c))
SIM        := $(sort $(wildcard tests/sim/*.c))
FUZZERS    := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCH_TESTS := $(sort $(wildcard tests/bench/test_*.c))
BENCH      := $(filter-out $(BENCH_TESTS),$(sort $(wildcard tests/bench/*.c)))
COUNTED    := $(sort $(wildcard tests/bench/instructions/*.c))

# ---- flags -------------------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
            -Wvla $(WERROR)
COMMON   := -std=c11 -g -I. -Iserver -ffile-prefix-map=$(CURDIR)=. -fno-strict-aliasing \
            -fno-omit-frame-pointer -fstack-protector-strong -MMD -MP

M := build/mingw$(if $(SAN),-$(SAN))
N := build/native
F := build/fuzz
B := build/bench
O := build/native-o2

MINGW_CC    := $(CROSS)gcc
MINGW_TRAP  := $(if $(filter trap,$(SAN)),-fsanitize=undefined -fsanitize-undefined-trap-on-error)
# Windows 10 is the oldest system served. mingw-w64's own printf family is linked, which knows %zu and %lld.
MINGW_FLAGS := $(COMMON) -O2 $(MINGW_TRAP) -D_WIN32_WINNT=0x0A00 -DWINVER=0x0A00 -D__USE_MINGW_ANSI_STDIO=1 \
               -isystem build/deps/mingw/include
# No time stamp, so that the same sources give the same file; static, so that it needs only what Windows has.
MINGW_LINK  := -static -mconsole -fstack-protector-strong -Wl,--dynamicbase,--high-entropy-va,--nxcompat \
               -Wl,--no-insert-timestamp
MINGW_LIBS  := -Lbuild/deps/mingw/lib -linih -lcjson -lpicohttpparser \
               -lws2_32 -ladvapi32

NATIVE_FLAGS := $(COMMON) -O1 $(SANITIZE) -isystem build/deps/native/include
NATIVE_LIBS  := -Lbuild/deps/native/lib -linih -lcjson -lpicohttpparser -lcmocka -lpthread

# What is counted, not tested: optimised as the Windows program is, and without sanitizers.
O2_FLAGS := $(COMMON) -O2 -isystem build/deps/native/include
O2_LIBS  := -Lbuild/deps/native/lib -linih -lcjson -lpicohttpparser -lpthread

FUZZ_FLAGS := $(COMMON) -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all \
              -isystem build/deps/native/include
FUZZ_LINK  := -fsanitize=address,undefined,fuzzer

# They measure, so they are optimised and have no sanitizers; epoll and more of Linux belong to them.
BENCH_FLAGS := $(COMMON) -O2 -D_GNU_SOURCE

# Tests may leave out prototypes: a test function is called only from the table in its own file.
TEST_FLAGS := -Itests -Wno-missing-prototypes

# ---- objects -----------------------------------------------------------------------------------------------

mingw_objects  = $(patsubst %.c,$M/obj/%.o,$(1))
native_objects = $(patsubst %.c,$N/obj/%.o,$(1))
fuzz_objects   = $(patsubst %.c,$F/obj/%.o,$(1))
o2_objects     = $(patsubst %.c,$O/obj/%.o,$(1))

MESSAGE_TABLE  := $M/obj/messages/MSG00409.bin
EXE_OBJECTS    := $(call mingw_objects,$(SOURCES)) $(patsubst %.rc,$M/obj/%.res.o,$(RESOURCE))
# The seam's suite needs the ground floor and the seam only, so it is built while those above do not compile.
PORT_LIBRARY   := $(call mingw_objects,$(filter server/base/% server/port/%,$(SOURCES)))
PORT_OBJECTS   := $(call mingw_objects,$(filter-out %_sim.c,$(PORT_TESTS)) \
                  $(filter-out %_native.c,$(SUPPORT)))
# All of the program but main, and its resources.
HOST_OBJECTS   := $(call mingw_objects,$(HOST_TESTS)) $(filter-out $M/obj/server/main.o,$(EXE_OBJECTS))
NATIVE_LIBRARY := $(call native_objects,$(PORTABLE))
NATIVE_SUPPORT := $(call native_objects,$(filter-out %_win.c %_iocp.c,$(SUPPORT)) $(UNIT_PARTS))
SIM_PORT       := $(call native_objects,$(filter tests/sim/port_sim%,$(SIM)))
SIM_SUITE      := $(call native_objects,$(filter-out %_iocp.c,$(PORT_TESTS)))
UNIT_PROGRAMS  := $(patsubst tests/unit/%.c,$N/unit/%,$(UNIT_TESTS))
FUZZ_LIBRARY   := $(call fuzz_objects,$(PORTABLE) $(filter-out %_win.c %_iocp.c,$(SUPPORT)))
FUZZ_PROGRAMS  := $(patsubst tests/fuzz/%.c,$F/%,$(FUZZERS))
BENCH_SHARED   := $(patsubst %.c,$B/obj/%.o,$(filter-out tests/bench/load% tests/bench/target%,$(BENCH)))
BENCH_LOAD     := $(patsubst %.c,$B/obj/%.o,$(filter tests/bench/load%,$(BENCH))) $(BENCH_SHARED)
BENCH_TARGET   := $(patsubst %.c,$B/obj/%.o,$(filter tests/bench/target%,$(BENCH))) $(BENCH_SHARED)
# What load and target are made of is tested as everything native is, with sanitizers.
BENCH_PARTS    := $(call native_objects,$(filter-out tests/bench/load% tests/bench/target%,$(BENCH)))
BENCH_PROGRAMS := $(patsubst tests/bench/%.c,$N/bench/%,$(BENCH_TESTS))
O2_LIBRARY     := $(call o2_objects,$(PORTABLE) $(filter-out %_win.c %_iocp.c,$(SUPPORT)))
O2_COUNTED     := $(call o2_objects,$(COUNTED) $(filter tests/sim/port_sim%,$(SIM)))
SIM_PROGRAMS   := $(if $(SIM),$N/port_suite_sim $N/sim)

all: $M/fairlead.exe
build-unit: $(UNIT_PROGRAMS)
build-port: $M/port_suite.exe
build-host: $M/host_suite.exe
build-sim: $(SIM_PROGRAMS)
build-fuzz: $(FUZZ_PROGRAMS)
build-bench: $B/load $B/target
build-bench-tests: $(BENCH_PROGRAMS)
build-instructions: $O/instructions

test:
	$(Q)scripts/test.sh
unit port host sim fuzz system bench msvc lint:
	$(Q)scripts/test.sh $@
format:
	$(Q)scripts/format.sh
clean:
	$(Q)rm -rf build/mingw build/mingw-trap build/msvc build/native build/native-o2 build/fuzz build/lint $B/obj $B/load $B/target

# The flags and the compiler are prerequisites too: a file per target holds them and changes with them.
define remember
	@mkdir -p $(@D)
	@printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
endef

$M/flags: FORCE
	$(call remember,$(MINGW_CC) $(MINGW_FLAGS) $(WARNINGS) $(MINGW_LINK) $(MINGW_LIBS) $(TEST_FLAGS))
$N/flags: FORCE
	$(call remember,$(NATIVE_CC) $(NATIVE_FLAGS) $(WARNINGS) $(NATIVE_LIBS) $(TEST_FLAGS))
$F/flags: FORCE
	$(call remember,$(FUZZ_CC) $(FUZZ_FLAGS) $(WARNINGS) $(FUZZ_LINK) $(TEST_FLAGS))
$B/flags: FORCE
	$(call remember,$(NATIVE_CC) $(BENCH_FLAGS) $(WARNINGS))
$O/flags: FORCE
	$(call remember,$(NATIVE_CC) $(O2_FLAGS) $(WARNINGS) $(O2_LIBS) $(TEST_FLAGS))

# deps.sh leaves the stamp's time alone when there was nothing to do, and then nothing is rebuilt here either.
build/deps/mingw/.stamp build/deps/native/.stamp: build/deps/%/.stamp: scripts/deps.sh
	$(Q)scripts/deps.sh $*

# $(1) the name printed, $(2) the command
define run
	@$(if $(V),,printf '  %-6s %s\n' $(1) $@)
	@mkdir -p $(@D)
	$(Q)$(2)
endef

$M/obj/tests/%.o: tests/%.c $M/flags build/deps/mingw/.stamp
	$(call run,CC,$(MINGW_CC) $(MINGW_FLAGS) $(WARNINGS) $(TEST_FLAGS) -c $< -o $@)
$M/obj/%.o: %.c $M/flags build/deps/mingw/.stamp
	$(call run,CC,$(MINGW_CC) $(MINGW_FLAGS) $(WARNINGS) -c $< -o $@)
# A resource may embed files (an icon, a manifest, a page), which no dependency file names.
$M/obj/%.res.o: %.rc $M/flags $(wildcard server/host/*.manifest server/host/*.ico) $(MESSAGE_TABLE) \
                server/base/version.h
	$(call run,RC,$(CROSS)windres -I. -Iserver -I$(dir $(MESSAGE_TABLE)) -i $< -o $@)
# Of what it writes only the table is used: ids are the numbers of enum event.
$(MESSAGE_TABLE): $(MESSAGES) $M/flags
	$(call run,MC,$(CROSS)windmc -U -h $(@D) -r $(@D) $<)
$N/obj/tests/%.o: tests/%.c $N/flags build/deps/native/.stamp
	$(call run,CC,$(NATIVE_CC) $(NATIVE_FLAGS) $(WARNINGS) $(TEST_FLAGS) -c $< -o $@)
$N/obj/%.o: %.c $N/flags build/deps/native/.stamp
	$(call run,CC,$(NATIVE_CC) $(NATIVE_FLAGS) $(WARNINGS) -c $< -o $@)
# Private: their prerequisites, the remembered flags among them, are made with the usual ones.
$(BENCH_PARTS): private NATIVE_FLAGS += -D_GNU_SOURCE
$F/obj/tests/%.o: tests/%.c $F/flags build/deps/native/.stamp
	$(call run,CC,$(FUZZ_CC) $(FUZZ_FLAGS) $(WARNINGS) $(TEST_FLAGS) -c $< -o $@)
$F/obj/%.o: %.c $F/flags build/deps/native/.stamp
	$(call run,CC,$(FUZZ_CC) $(FUZZ_FLAGS) $(WARNINGS) -c $< -o $@)
$B/obj/%.o: %.c $B/flags
	$(call run,CC,$(NATIVE_CC) $(BENCH_FLAGS) $(WARNINGS) -c $< -o $@)
$O/obj/tests/%.o: tests/%.c $O/flags build/deps/native/.stamp
	$(call run,CC,$(NATIVE_CC) $(O2_FLAGS) $(WARNINGS) $(TEST_FLAGS) -c $< -o $@)
$O/obj/%.o: %.c $O/flags build/deps/native/.stamp
	$(call run,CC,$(NATIVE_CC) $(O2_FLAGS) $(WARNINGS) -c $< -o $@)

# ---- programs ----------------------------------------------------------------------------------------------

# An archive is made anew: an object whose source is gone must not stay in it. The list of members is
# remembered, because a source that went away changes no prerequisite's time.
$N/libfairlead.members: FORCE
	$(call remember,$(NATIVE_LIBRARY))
$N/libsupport.members: FORCE
	$(call remember,$(NATIVE_SUPPORT))
$F/libfairlead.members: FORCE
	$(call remember,$(FUZZ_LIBRARY))
$O/libfairlead.members: FORCE
	$(call remember,$(O2_LIBRARY))
$M/libport.members: FORCE
	$(call remember,$(PORT_LIBRARY))
$M/fairlead.members: FORCE
	$(call remember,$(EXE_OBJECTS))

$N/libfairlead.a: $(NATIVE_LIBRARY) $N/libfairlead.members
	$(call run,AR,rm -f $@ && ar rcsD $@ $(NATIVE_LIBRARY))
$N/libsupport.a: $(NATIVE_SUPPORT) $N/libsupport.members
	$(call run,AR,rm -f $@ && ar rcsD $@ $(NATIVE_SUPPORT))
$F/libfairlead.a: $(FUZZ_LIBRARY) $F/libfairlead.members
	$(call run,AR,rm -f $@ && ar rcsD $@ $(FUZZ_LIBRARY))
$O/libfairlead.a: $(O2_LIBRARY) $O/libfairlead.members
	$(call run,AR,rm -f $@ && ar rcsD $@ $(O2_LIBRARY))
$M/libport.a: $(PORT_LIBRARY) $M/libport.members
	$(call run,AR,rm -f $@ && $(CROSS)ar rcsD $@ $(PORT_LIBRARY))

$M/fairlead.exe: $(EXE_OBJECTS) $M/fairlead.members
	$(call run,LD,$(MINGW_CC) $(MINGW_LINK) $(EXE_OBJECTS) $(MINGW_LIBS) -o $@)
$M/port_suite.exe: $(PORT_OBJECTS) $M/libport.a
	$(call run,LD,$(MINGW_CC) $(MINGW_LINK) $(PORT_OBJECTS) $M/libport.a -lcmocka $(MINGW_LIBS) -o $@)
$M/host_suite.exe: $(HOST_OBJECTS) $M/fairlead.exe
	$(call run,LD,$(MINGW_CC) $(MINGW_LINK) $(HOST_OBJECTS) -lcmocka $(MINGW_LIBS) -o $@)

NATIVE_ARCHIVES := $N/libsupport.a $N/libfairlead.a
link_native = $(NATIVE_CC) $(SANITIZE) $(1) -Wl,--start-group $(NATIVE_ARCHIVES) -Wl,--end-group \
              $(NATIVE_LIBS) -o $@

$(UNIT_PROGRAMS): $N/unit/%: $N/obj/tests/unit/%.o $(NATIVE_ARCHIVES)
	$(call run,LD,$(call link_native,$<))
$N/port_suite_sim: $(SIM_SUITE) $(SIM_PORT) $(NATIVE_ARCHIVES)
	$(call run,LD,$(call link_native,$(SIM_SUITE) $(SIM_PORT)))
$N/sim: $(call native_objects,$(SIM)) $(NATIVE_ARCHIVES)
	$(call run,LD,$(call link_native,$(call native_objects,$(SIM))))
$(BENCH_PROGRAMS): $N/bench/%: $N/obj/tests/bench/%.o $(BENCH_PARTS) $(NATIVE_ARCHIVES)
	$(call run,LD,$(call link_native,$< $(BENCH_PARTS)))
$(FUZZ_PROGRAMS): $F/%: $F/obj/tests/fuzz/%.o $F/libfairlead.a
	$(call run,LD,$(FUZZ_CC) $(FUZZ_LINK) $< $F/libfairlead.a $(NATIVE_LIBS) -o $@)
# A source that went away must leave the program too.
$B/members: FORCE
	$(call remember,$(BENCH))
$B/load: $(BENCH_LOAD) $B/members
	$(call run,LD,$(NATIVE_CC) $(BENCH_LOAD) -o $@)
$B/target: $(BENCH_TARGET) $B/members
	$(call run,LD,$(NATIVE_CC) $(BENCH_TARGET) -o $@)

$O/instructions: $(O2_COUNTED) $O/libfairlead.a
	$(call run,LD,$(NATIVE_CC) $(O2_COUNTED) $O/libfairlead.a $(O2_LIBS) -o $@)

OBJECTS := $(EXE_OBJECTS) $(PORT_OBJECTS) $(HOST_OBJECTS) $(NATIVE_LIBRARY) $(NATIVE_SUPPORT) $(SIM_SUITE) \
           $(call native_objects,$(SIM) $(UNIT_TESTS)) $(FUZZ_LIBRARY) $(call fuzz_objects,$(FUZZERS)) \
           $(BENCH_LOAD) $(BENCH_TARGET) $(BENCH_PARTS) $(call native_objects,$(BENCH_TESTS)) \
           $(O2_LIBRARY) $(O2_COUNTED)
# Objects are intermediate files to make's eyes; it would delete those of the unit tests.
.SECONDARY: $(OBJECTS)
-include $(OBJECTS:.o=.d)
