"""The allocator, in LLVM: blocks of a call in a list, so that a failure frees them all.

And the poll for signals, with the lock of the interpreter: the exception of a handler
is kept in the frame. A callback of Python could not, since handlers run before its
first line. The offsets are those of `FRAME` and `TABLE` in `wengert._backend.emitter`.

A block is aligned to 64 bytes. Before it stand 64 bytes: next block, previous block,
what `malloc` gave, size, and 32 bytes that, with 64 behind the block, guard it: the
guarded variant fills them, and fresh memory with NaN, and counts those that changed.
Fresh zeros come from `calloc`, which does not touch pages that the system has cleared.
For large blocks Linux is asked for large pages, as NumPy does: a page that is touched
for the first time costs the system more than its bytes cost the program.

`wengert_if_alike` calls the program if the array objects that it is given have the
types, shapes and order in memory of a table: Python takes much longer to compare them.
"""

from __future__ import annotations

from wengert._backend import pool
from wengert._backend.emitter import DIFFERENT

_GUARD = "-6510615555426900571"  # 0xA5 in every byte

_PLAIN = """
define internal void @dress(ptr %base, i64 %size) alwaysinline { ret void }
define internal void @clear(ptr %base, i64 %size) alwaysinline { ret void }
define internal void @inspect(ptr %frame, ptr %base) alwaysinline { ret void }
"""

_GUARDED = f"""
define internal void @dress(ptr %base, i64 %size) {{
  %front = getelementptr i8, ptr %base, i64 -32
  %back = getelementptr i8, ptr %base, i64 %size
  call void @llvm.memset.p0.i64(ptr %front, i8 -91, i64 32, i1 false)
  call void @llvm.memset.p0.i64(ptr %back, i8 -91, i64 64, i1 false)
  call void @llvm.memset.p0.i64(ptr %base, i8 -1, i64 %size, i1 false)
  ret void
}}

define internal void @clear(ptr %base, i64 %size) {{
  call void @llvm.memset.p0.i64(ptr %base, i8 0, i64 %size, i1 false)
  ret void
}}

define internal i64 @changed(ptr %first, i64 %words) {{
entry:
  br label %head
head:
  %k = phi i64 [0, %entry], [%next, %head]
  %sum = phi i64 [0, %entry], [%more, %head]
  %p = getelementptr i64, ptr %first, i64 %k
  %v = load volatile i64, ptr %p, align 1
  %bad = icmp ne i64 %v, {_GUARD}
  %one = zext i1 %bad to i64
  %more = add i64 %sum, %one
  %next = add i64 %k, 1
  %on = icmp slt i64 %next, %words
  br i1 %on, label %head, label %end
end:
  ret i64 %more
}}

define internal void @inspect(ptr %frame, ptr %base) {{
  %front = getelementptr i8, ptr %base, i64 -32
  %at = getelementptr i8, ptr %base, i64 -40
  %size = load i64, ptr %at
  %back = getelementptr i8, ptr %base, i64 %size
  %a = call i64 @changed(ptr %front, i64 4)
  %b = call i64 @changed(ptr %back, i64 8)
  %both = add i64 %a, %b
  %count = getelementptr i8, ptr %frame, i64 64
  %old = load i64, ptr %count
  %new = add i64 %old, %both
  store i64 %new, ptr %count
  ret void
}}
"""

# The fields of a NumPy array object (ndarraytypes.h) behind the head of any object, the
# last word of which is its type; the flags are those for C order and for alignment.
_FIELDS = {"type": -8, "ndim": 8, "dims": 16, "descr": 40, "flags": 48}
_AT = {name: object.__basicsize__ + offset for name, offset in _FIELDS.items()}
_PLAIN_FLAGS = 0x0101

# The table: how many arrays; of each where its address is in the frame, its type, its
# dtype, the number of its axes and their lengths.
_IF_ALIKE = f"""
declare i32 @entry(ptr)

define i32 @wengert_if_alike(ptr %frame, ptr %expected) {{
start:
  %count = load i64, ptr %expected
  %first = getelementptr i64, ptr %expected, i64 1
  br label %arrays
arrays:
  %k = phi i64 [0, %start], [%k.next, %following]
  %row = phi ptr [%first, %start], [%row.next, %following]
  %on = icmp slt i64 %k, %count
  br i1 %on, label %array, label %alike
array:
  %k.next = add i64 %k, 1
  %offset = load i64, ptr %row
  %slot = getelementptr i8, ptr %frame, i64 %offset
  %object = load ptr, ptr %slot
  %type.at = getelementptr i8, ptr %object, i64 {_AT["type"]}
  %type = load i64, ptr %type.at
  %type.row = getelementptr i64, ptr %row, i64 1
  %type.expected = load i64, ptr %type.row
  %is.array = icmp eq i64 %type, %type.expected
  br i1 %is.array, label %fields, label %other
fields:
  %descr.at = getelementptr i8, ptr %object, i64 {_AT["descr"]}
  %descr = load i64, ptr %descr.at
  %descr.row = getelementptr i64, ptr %row, i64 2
  %descr.expected = load i64, ptr %descr.row
  %same.descr = icmp eq i64 %descr, %descr.expected
  %flags.at = getelementptr i8, ptr %object, i64 {_AT["flags"]}
  %flags = load i32, ptr %flags.at
  %plain = and i32 %flags, {_PLAIN_FLAGS}
  %is.plain = icmp eq i32 %plain, {_PLAIN_FLAGS}
  %ndim.at = getelementptr i8, ptr %object, i64 {_AT["ndim"]}
  %ndim.short = load i32, ptr %ndim.at
  %ndim = sext i32 %ndim.short to i64
  %ndim.row = getelementptr i64, ptr %row, i64 3
  %ndim.expected = load i64, ptr %ndim.row
  %same.ndim = icmp eq i64 %ndim, %ndim.expected
  %both = and i1 %same.descr, %is.plain
  %all = and i1 %both, %same.ndim
  %dims.at = getelementptr i8, ptr %object, i64 {_AT["dims"]}
  %dims = load ptr, ptr %dims.at
  %lengths = getelementptr i64, ptr %row, i64 4
  br i1 %all, label %axes, label %other
axes:
  %axis = phi i64 [0, %fields], [%axis.next, %length]
  %more = icmp slt i64 %axis, %ndim
  br i1 %more, label %length, label %following
length:
  %axis.next = add i64 %axis, 1
  %n.at = getelementptr i64, ptr %dims, i64 %axis
  %n = load i64, ptr %n.at
  %n.row = getelementptr i64, ptr %lengths, i64 %axis
  %n.expected = load i64, ptr %n.row
  %same = icmp eq i64 %n, %n.expected
  br i1 %same, label %axes, label %other
following:
  %row.next = getelementptr i64, ptr %lengths, i64 %ndim
  br label %arrays
alike:
  %code = call i32 @entry(ptr %frame)
  ret i32 %code
other:
  ret i32 {DIFFERENT}
}}
"""

_ALLOCATOR = """
define internal void @ask_for_large_pages(ptr %table, ptr %base, i64 %size) noinline {
  %advise.at = getelementptr i8, ptr %table, i64 56
  %advise = load ptr, ptr %advise.at
  %absent = icmp eq ptr %advise, null
  br i1 %absent, label %done, label %ask
ask:
  %address = ptrtoint ptr %base to i64
  %up = add i64 %address, 4095
  %first = and i64 %up, -4096
  %less = sub i64 %size, 4096
  %length = and i64 %less, -4096
  %start = inttoptr i64 %first to ptr
  %code = call i32 %advise(ptr %start, i64 %length, i32 14)
  br label %done
done:
  ret void
}

define noalias ptr @wengert_alloc(ptr %frame, i64 %size) noinline nounwind {
  %negative = icmp slt i64 %size, 0
  br i1 %negative, label %none, label %fine
none:
  ret ptr null
fine:
  %table = load ptr, ptr %frame
  %total = add i64 %size, 192
  %raw = call ptr @obtained(ptr %table, i64 %total, i1 false)
  %base = call ptr @placed(ptr %frame, i64 %size, ptr %raw)
  ret ptr %base
}

define noalias ptr @wengert_zeros(ptr %frame, i64 %size) noinline nounwind {
  %negative = icmp slt i64 %size, 0
  br i1 %negative, label %none, label %fine
none:
  ret ptr null
fine:
  %table = load ptr, ptr %frame
  %total = add i64 %size, 192
  %raw = call ptr @obtained(ptr %table, i64 %total, i1 true)
  %base = call ptr @placed(ptr %frame, i64 %size, ptr %raw)
  %failed = icmp eq ptr %base, null
  br i1 %failed, label %none, label %got
got:
  call void @clear(ptr %base, i64 %size)
  ret ptr %base
}

define internal ptr @placed(ptr %frame, i64 %size, ptr %raw) alwaysinline {
  %failed = icmp eq ptr %raw, null
  br i1 %failed, label %none, label %got
none:
  ret ptr null
got:
  %table = load ptr, ptr %frame
  %address = ptrtoint ptr %raw to i64
  %up = add i64 %address, 127
  %aligned = and i64 %up, -64
  %base = inttoptr i64 %aligned to ptr
  %next.at = getelementptr i8, ptr %base, i64 -64
  %prev.at = getelementptr i8, ptr %base, i64 -56
  %raw.at = getelementptr i8, ptr %base, i64 -48
  %size.at = getelementptr i8, ptr %base, i64 -40
  %head.at = getelementptr i8, ptr %frame, i64 8
  %head = load ptr, ptr %head.at
  store ptr %head, ptr %next.at
  store ptr null, ptr %prev.at
  store ptr %raw, ptr %raw.at
  store i64 %size, ptr %size.at
  store ptr %base, ptr %head.at
  call void @dress(ptr %base, i64 %size)
  %large = icmp uge i64 %size, 4194304
  br i1 %large, label %ask, label %count
ask:
  call void @ask_for_large_pages(ptr %table, ptr %base, i64 %size)
  br label %count
count:
  %live.at = getelementptr i8, ptr %frame, i64 32
  %live = load i64, ptr %live.at
  %live.more = add i64 %live, 1
  store i64 %live.more, ptr %live.at
  %made.at = getelementptr i8, ptr %frame, i64 40
  %made = load i64, ptr %made.at
  %made.more = add i64 %made, 1
  store i64 %made.more, ptr %made.at
  %first = icmp eq ptr %head, null
  br i1 %first, label %done, label %link
link:
  %back.at = getelementptr i8, ptr %head, i64 -56
  store ptr %base, ptr %back.at
  br label %done
done:
  ret ptr %base
}

define void @wengert_free(ptr %frame, ptr %base) noinline nounwind {
  call void @inspect(ptr %frame, ptr %base)
  %next.at = getelementptr i8, ptr %base, i64 -64
  %prev.at = getelementptr i8, ptr %base, i64 -56
  %raw.at = getelementptr i8, ptr %base, i64 -48
  %next = load ptr, ptr %next.at
  %prev = load ptr, ptr %prev.at
  %raw = load ptr, ptr %raw.at
  %is.first = icmp eq ptr %prev, null
  %head.at = getelementptr i8, ptr %frame, i64 8
  %after.at = getelementptr i8, ptr %prev, i64 -64
  %link.at = select i1 %is.first, ptr %head.at, ptr %after.at
  store ptr %next, ptr %link.at
  %is.last = icmp eq ptr %next, null
  br i1 %is.last, label %unlinked, label %link
link:
  %back.at = getelementptr i8, ptr %next, i64 -56
  store ptr %prev, ptr %back.at
  br label %unlinked
unlinked:
  %live.at = getelementptr i8, ptr %frame, i64 32
  %live = load i64, ptr %live.at
  %live.less = sub i64 %live, 1
  store i64 %live.less, ptr %live.at
  %table = load ptr, ptr %frame
  %size.at = getelementptr i8, ptr %base, i64 -40
  %size = load i64, ptr %size.at
  %total = add i64 %size, 192
  call void @returned(ptr %table, ptr %raw, i64 %total)
  ret void
}

define i32 @wengert_poll(ptr %frame) noinline {
  %table = load ptr, ptr %frame
  %lock.at = getelementptr i8, ptr %table, i64 16
  %check.at = getelementptr i8, ptr %table, i64 24
  %fetch.at = getelementptr i8, ptr %table, i64 32
  %unlock.at = getelementptr i8, ptr %table, i64 40
  %lock = load ptr, ptr %lock.at
  %check = load ptr, ptr %check.at
  %unlock = load ptr, ptr %unlock.at
  %state = call i32 %lock()
  %found = call i32 %check()
  %raised = icmp ne i32 %found, 0
  br i1 %raised, label %keep, label %done
keep:
  %fetch = load ptr, ptr %fetch.at
  %type = getelementptr i8, ptr %frame, i64 80
  %value = getelementptr i8, ptr %frame, i64 88
  %trace = getelementptr i8, ptr %frame, i64 96
  call void %fetch(ptr %type, ptr %value, ptr %trace)
  br label %done
done:
  call void %unlock(i32 %state)
  %code = select i1 %raised, i32 3, i32 0
  ret i32 %code
}

define void @wengert_release(ptr %frame) {
entry:
  br label %head
head:
  %head.at = getelementptr i8, ptr %frame, i64 8
  %base = load ptr, ptr %head.at
  %empty = icmp eq ptr %base, null
  br i1 %empty, label %done, label %one
one:
  call void @wengert_free(ptr %frame, ptr %base)
  br label %head
done:
  ret void
}
"""


def allocator(guarded: bool) -> str:
    """The text of the module."""
    variant = _GUARDED if guarded else _PLAIN
    return variant + pool.FUNCTIONS + _ALLOCATOR + _IF_ALIKE
