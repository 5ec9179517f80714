"""Large blocks that are kept for the next call, in LLVM.

The C library gives large blocks back to the system when they are freed, and a page that
is touched for the first time costs more than a step of a network spends on its bytes:
a quarter of an LSTM's training step was spent in the kernel. So blocks of more than
64 KB go to slots that all compiled programs share, up to a number of bytes in all.
Their sizes are rounded up to four classes an octave. A slot is emptied by one exchange
and filled by one comparison with null, so that threads need no lock; where none fits,
the C library is asked. If that has no memory, the slots are emptied and it is asked
again.
"""

from __future__ import annotations

import numpy as np

SMALLEST, OCTAVES, SLOTS = 16, 12, 32  # above 2**16 bytes, to 2**28
LIMIT = 1 << 28  # bytes that are kept at most
_CLASSES = 4 * OCTAVES

POOL = np.zeros(1 + _CLASSES * SLOTS, np.uintp)
"""The bytes that are kept, then the slots: addresses, or 0."""

ADDRESS = POOL.ctypes.data
"""What the table of a compiled program holds; with 0 nothing is kept."""

FUNCTIONS = f"""
declare i64 @llvm.ctlz.i64(i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define internal i64 @class_of(ptr %pool, i64 %total) {{
  %fits = icmp ule i64 %total, {1 << (SMALLEST + OCTAVES)}
  %large = icmp ugt i64 %total, {1 << SMALLEST}
  %exists = icmp ne ptr %pool, null
  %both = and i1 %fits, %large
  %all = and i1 %both, %exists
  %less = sub i64 %total, 1
  %zeros = call i64 @llvm.ctlz.i64(i64 %less, i1 false)
  %shift = sub i64 61, %zeros
  %top = lshr i64 %less, %shift
  %octave = sub i64 %shift, {SMALLEST - 2}
  %four = mul i64 %octave, 4
  %sum = add i64 %four, %top
  %class = sub i64 %sum, 4
  %out = select i1 %all, i64 %class, i64 -1
  ret i64 %out
}}

define internal i64 @size_of(i64 %class) {{
  %octave = lshr i64 %class, 2
  %shift = add i64 %octave, {SMALLEST - 2}
  %part = and i64 %class, 3
  %top = add i64 %part, 5
  %size = shl i64 %top, %shift
  ret i64 %size
}}

define internal ptr @slot_of(ptr %pool, i64 %class, i64 %k) {{
  %first = mul i64 %class, {SLOTS}
  %index = add i64 %first, %k
  %word = add i64 %index, 1
  %slot = getelementptr ptr, ptr %pool, i64 %word
  ret ptr %slot
}}

define internal ptr @taken(ptr %pool, i64 %class) noinline {{
entry:
  br label %head
head:
  %k = phi i64 [0, %entry], [%next, %empty]
  %on = icmp slt i64 %k, {SLOTS}
  br i1 %on, label %look, label %none
look:
  %slot = call ptr @slot_of(ptr %pool, i64 %class, i64 %k)
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %absent = icmp eq ptr %seen, null
  br i1 %absent, label %empty, label %take
take:
  %raw = atomicrmw xchg ptr %slot, ptr null acquire
  %lost = icmp eq ptr %raw, null
  br i1 %lost, label %empty, label %got
empty:
  %next = add i64 %k, 1
  br label %head
got:
  %size = call i64 @size_of(i64 %class)
  %old = atomicrmw sub ptr %pool, i64 %size monotonic
  ret ptr %raw
none:
  ret ptr null
}}

define internal i1 @kept(ptr %pool, i64 %class, ptr %raw) noinline {{
entry:
  %size = call i64 @size_of(i64 %class)
  %old = atomicrmw add ptr %pool, i64 %size monotonic
  %bytes = add i64 %old, %size
  %fits = icmp ule i64 %bytes, {LIMIT}
  br i1 %fits, label %head, label %refused
head:
  %k = phi i64 [0, %entry], [%next, %full]
  %on = icmp slt i64 %k, {SLOTS}
  br i1 %on, label %look, label %refused
look:
  %slot = call ptr @slot_of(ptr %pool, i64 %class, i64 %k)
  %seen = load atomic ptr, ptr %slot monotonic, align 8
  %free = icmp eq ptr %seen, null
  br i1 %free, label %put, label %full
put:
  %pair = cmpxchg ptr %slot, ptr null, ptr %raw release monotonic
  %done = extractvalue {{ptr, i1}} %pair, 1
  br i1 %done, label %stays, label %full
full:
  %next = add i64 %k, 1
  br label %head
refused:
  %less = atomicrmw sub ptr %pool, i64 %size monotonic
  ret i1 false
stays:
  ret i1 true
}}

define internal void @empty_pool(ptr %pool, ptr %free) noinline {{
entry:
  br label %head
head:
  %class = phi i64 [0, %entry], [%class, %one], [%following, %next]
  %on = icmp slt i64 %class, {_CLASSES}
  br i1 %on, label %some, label %done
some:
  %raw = call ptr @taken(ptr %pool, i64 %class)
  %absent = icmp eq ptr %raw, null
  br i1 %absent, label %next, label %one
one:
  call void %free(ptr %raw)
  br label %head
next:
  %following = add i64 %class, 1
  br label %head
done:
  ret void
}}

define internal ptr @asked(ptr %table, i64 %size, i1 %zeros) {{
  br i1 %zeros, label %cleared, label %any
any:
  %malloc = load ptr, ptr %table
  %raw = call ptr %malloc(i64 %size)
  ret ptr %raw
cleared:
  %calloc.at = getelementptr i8, ptr %table, i64 64
  %calloc = load ptr, ptr %calloc.at
  %raw.zero = call ptr %calloc(i64 %size, i64 1)
  ret ptr %raw.zero
}}

define internal ptr @obtained(ptr %table, i64 %total, i1 %zeros) noinline {{
  %pool.at = getelementptr i8, ptr %table, i64 72
  %pool = load ptr, ptr %pool.at
  %class = call i64 @class_of(ptr %pool, i64 %total)
  %small = icmp slt i64 %class, 0
  br i1 %small, label %ask, label %large
large:
  %whole = call i64 @size_of(i64 %class)
  %kept = call ptr @taken(ptr %pool, i64 %class)
  %missing = icmp eq ptr %kept, null
  br i1 %missing, label %ask, label %reuse
reuse:
  br i1 %zeros, label %clear, label %reused
clear:
  call void @llvm.memset.p0.i64(ptr %kept, i8 0, i64 %total, i1 false)
  br label %reused
reused:
  ret ptr %kept
ask:
  %size = phi i64 [%total, %0], [%whole, %large]
  %first = call ptr @asked(ptr %table, i64 %size, i1 %zeros)
  %absent = icmp eq ptr %pool, null
  %fine = icmp ne ptr %first, null
  %final = or i1 %absent, %fine
  br i1 %final, label %new, label %again
new:
  ret ptr %first
again:
  %free.at = getelementptr i8, ptr %table, i64 8
  %free = load ptr, ptr %free.at
  call void @empty_pool(ptr %pool, ptr %free)
  %second = call ptr @asked(ptr %table, i64 %size, i1 %zeros)
  ret ptr %second
}}

define internal void @returned(ptr %table, ptr %raw, i64 %total) noinline {{
  %pool.at = getelementptr i8, ptr %table, i64 72
  %pool = load ptr, ptr %pool.at
  %class = call i64 @class_of(ptr %pool, i64 %total)
  %small = icmp slt i64 %class, 0
  br i1 %small, label %give, label %large
large:
  %stays = call i1 @kept(ptr %pool, i64 %class, ptr %raw)
  br i1 %stays, label %done, label %give
give:
  %free.at = getelementptr i8, ptr %table, i64 8
  %free = load ptr, ptr %free.at
  call void %free(ptr %raw)
  br label %done
done:
  ret void
}}
"""
