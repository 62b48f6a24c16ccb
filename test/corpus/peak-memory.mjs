import { readFileSync, writeFileSync } from 'node:fs';

// Loaded into the program by --import: writes down at its end the most memory it had, in kilobytes, and the time it
// took of a processor, in milliseconds. VmHWM and not getrusage, which begins with what the process had that started
// this one (setmax_mm_hiwater_rss in fs/exec.c). Processor time, because the machine may be busy with other tests.
process.on('exit', () => {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  const { user, system } = process.cpuUsage();
  writeFileSync(process.env.PEAK_FILE, `${kilobytes} ${Math.round((user + system) / 1000)}`);
});
