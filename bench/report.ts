import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { formatTable } from '../src/cli/output.ts';
import { median, type Usage } from './measure.ts';

/** One piece of work, and what it is held against in the same rounds. */
export interface Comparison {
  readonly work: string;
  /** Alternatives whose times add up to what the work is compared with; empty: it is only shown. */
  readonly against: readonly string[];
  /** The most that the ratio may be; null: shown without a bound. */
  readonly bound: number | null;
  /** Of the work's time, what the ratio leaves out first: another piece of work that does all but this. */
  readonly beyond?: string;
}

/** What was measured of one piece of work, a run each. */
export type Runs = ReadonlyMap<string, readonly Usage[]>;

export interface Compared extends Comparison {
  readonly ratios: readonly number[];
  readonly ratio: number;
  readonly isHeld: boolean | null;
}

/** Pair by pair: each run beside the run of the alternatives of its own round. */
export function compare(runs: Runs, comparison: Comparison): Compared {
  const wallOf = (work: string, round: number): number => runs.get(work)?.[round]?.wallMs ?? Number.NaN;
  const rounds = runs.get(comparison.work)?.length ?? 0;
  const ratios = Array.from({ length: rounds }, (_, round) => {
    const floor = comparison.against.reduce((sum, work) => sum + wallOf(work, round), 0);
    const before = comparison.beyond === undefined ? 0 : wallOf(comparison.beyond, round);
    return (wallOf(comparison.work, round) - before) / floor;
  });
  const ratio = median(ratios);
  return {
    ...comparison,
    ratios,
    ratio,
    isHeld: comparison.bound === null ? null : ratio <= comparison.bound,
  };
}

/** A line for each piece of work: medians of its runs. */
export function formatRuns(runs: Runs): string {
  const of = (work: string, figure: (usage: Usage) => number): number =>
    median((runs.get(work) ?? []).map(figure));
  return formatTable<string>(
    [
      { title: 'WORK', value: (work) => work },
      { title: 'WALL', value: (work) => seconds(of(work, (one) => one.wallMs)), align: 'right' },
      { title: 'CPU', value: (work) => seconds(of(work, (one) => one.cpuMs)), align: 'right' },
      { title: 'PEAK', value: (work) => `${of(work, (one) => one.peakMb).toFixed(0)} MB`, align: 'right' },
    ],
    [...runs.keys()],
  );
}

export function formatComparisons(compared: readonly Compared[]): string {
  return formatTable<Compared>(
    [
      {
        title: 'WORK',
        value: ({ work, beyond }) => (beyond === undefined ? work : `${work}, beyond ${beyond}`),
      },
      { title: 'AGAINST', value: ({ against }) => against.join(' + ') },
      { title: 'RATIO', value: ({ ratio }) => ratio.toFixed(2), align: 'right' },
      {
        title: 'OF',
        value: ({ ratios }) => `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
      },
      { title: 'BOUND', value: ({ bound }) => (bound === null ? '' : bound.toFixed(2)), align: 'right' },
      { title: '', value: ({ isHeld }) => (isHeld === null ? '' : isHeld ? 'held' : 'NOT HELD') },
    ],
    compared,
  );
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

/** The machine and what ran on it: a figure means nothing without. */
export function describeMachine(): object {
  const read = (path: string): { readonly version: string } =>
    JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
  const versionOf = (name: string): string => read(`../node_modules/${name}/package.json`).version;
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    batchctl: read('../package.json').version,
    '@anthropic-ai/sdk': versionOf('@anthropic-ai/sdk'),
    ai: versionOf('ai'),
    '@ai-sdk/anthropic': versionOf('@ai-sdk/anthropic'),
  };
}

/** Figures without what the processes printed. */
export function writeReport(path: string, report: object): void {
  const text = JSON.stringify(
    report,
    (key, value: unknown) => (key === 'stdout' ? undefined : round(value)),
    2,
  );
  writeFileSync(path, `${text}\n`);
}

function round(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1_000) / 1_000 : value;
}
