# SPDX-License-Identifier: GPL-2.0
# shows: the rest of a split write, which waits for its turn when the filter is attached, has ended, or is seen by the map and the image
. "${TESTS}/lib.sh"
load
# A request takes a fifth of a second, one at a time on each CPU.
made_null slow size=8 irqmode=2 completion_nsec=200000000 submit_queues=2 hw_queue_depth=1
disk=${NULL_DISK}
queue=/sys/block/${disk#/dev/}/queue
echo none >"${queue}/scheduler" || fail "the scheduler"
echo 64 >"${queue}/max_sectors_kb" || fail "the longest request"
# Writers are on one CPU, whoever reads for images on the other: none of them is in the queue of the others.
masks=/sys/devices/virtual/workqueue/cpumask
before=$(cat "${masks}")
trap 'echo "${before}" >"${masks}"; tidy' EXIT
echo 2 >"${masks}" || fail "the workers' CPU"
python3 - "${disk}" "${STORAGE}" "$(sectors size "${STORAGE}")" <<'END' || fail "see above"
import mmap, os, subprocess, sys, threading, time
disk, storage, size = sys.argv[1:4]
WRITERS, LENGTH = 10, 131072
ended = []

def call(*words):
    done = subprocess.run(('blkctl',) + words, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f'blkctl {words}: {done.returncode}')
    return done.stdout

def writer(number):
    os.sched_setaffinity(0, {0})
    buffer = mmap.mmap(-1, LENGTH)
    buffer.write(b'x' * LENGTH)
    os.pwritev(live, [buffer], number * LENGTH)
    ended.append(number)

def rests(fd):
    buffer = mmap.mmap(-1, 4096)
    read = []
    for number in range(WRITERS):
        os.preadv(fd, [buffer], number * LENGTH + LENGTH // 2)
        read.append(buffer[:])
    return read

live = os.open(disk, os.O_RDWR | os.O_DIRECT)
threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
for thread in threads:
    thread.start()
os.sched_setaffinity(0, {1})
time.sleep(0.1)
began = time.monotonic()
call('attach', disk)
took = time.monotonic() - began
time.sleep(0.1)
attached = len(ended)
id = call('create').decode().strip()
call('add', disk, id)
call('append', id, storage, '0:' + size)
call('take', id)
taken = len(ended)
name = '/dev/' + call('info', disk).decode().split()[1]
info = dict(pair.split('=', 1) for pair in call('cbtinfo', disk).decode().split() if '=' in pair)
image = os.open(name, os.O_RDONLY | os.O_DIRECT)
one = rests(image)
for thread in threads:
    thread.join()
two = rests(image)
now = rests(live)
marks = call('cbtmap', disk)
os.close(image)
call('destroy', id)
call('detach', disk)
number, block = int(info['changes']), int(info['block_size'])
changed = [n for n in range(WRITERS) if one[n] != two[n]]
missed = [n for n in range(WRITERS) if one[n] != now[n] and marks[(n * LENGTH + LENGTH // 2) // block] <= number]
print(f'attached in {took:.1f} s; of {WRITERS} writes {attached} had ended then, {taken} when the take was done; '
      f'the image changed in {changed}, not marked are {missed}')
sys.exit(attached != WRITERS or bool(changed) or bool(missed))
END
unload
