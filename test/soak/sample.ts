import { readdirSync, readFileSync, statSync } from 'node:fs';

/** One reading of a process and of the files that it grows. */
export interface Sample {
  readonly jobs: number;
  /** Wall time of the jobs since the last sample, each. */
  readonly msPerJob: number;
  /** CPU time of the driving process for them, each. */
  readonly cpuMsPerJob: number;
  readonly heapMb: number;
  readonly rssMb: number;
  readonly handles: number;
  readonly emulatorRssMb: number;
  readonly emulatorHandles: number;
  readonly walMb: number;
  readonly emulatorWalMb: number;
  readonly storeKb: number;
}

/** Resident memory of a process, from the kernel. */
export function rssMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Open file handles of a process, sockets included. */
export function countHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function sizeMb(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) / 1024 / 1024;
}

/** How a figure has moved from the first third of the samples, after the first one, to the last. */
export interface Trend {
  readonly figure: keyof Sample;
  readonly first: number;
  readonly last: number;
  readonly most: number;
}

const FIGURES = [
  'msPerJob',
  'cpuMsPerJob',
  'heapMb',
  'rssMb',
  'handles',
  'emulatorRssMb',
  'emulatorHandles',
  'walMb',
  'emulatorWalMb',
  'storeKb',
] as const;

/** The first sample is left out: it holds what is loaded once. Medians, since a machine does other things too. */
export function trends(samples: readonly Sample[]): readonly Trend[] {
  const settled = samples.slice(1);
  const third = Math.max(1, Math.floor(settled.length / 3));
  return FIGURES.map((figure) => ({
    figure,
    first: median(settled.slice(0, third).map((sample) => sample[figure])),
    last: median(settled.slice(-third).map((sample) => sample[figure])),
    most: Math.max(...samples.map((sample) => sample[figure])),
  }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
