import { UsageError } from './errors.ts';
import type { JobFile } from './job-file.ts';
import { didYouMean } from './nearest.ts';
import type { Stage } from './stage.ts';

/** A job of some stages of a job file. */
export interface PickedStages {
  /** Its stages need nothing but each other. */
  readonly job: JobFile;
  /** Stages that are not of the job and whose answers it takes from files. */
  readonly given: readonly Stage[];
  /** Stage of the job → those of `given` that it uses; one that uses none is left out. */
  readonly uses: Readonly<Record<string, readonly string[]>>;
}

/**
 * The job with these stages alone; all of them for an empty list. Throws UsageError: `unknown_stage`, `stages_mixed`
 * where one would wait for a stage of the job and take another from files.
 */
export function pickStages(job: JobFile, names: readonly string[]): PickedStages {
  if (names.length === 0) return { job, given: [], uses: {} };
  const all = job.stages.map(({ name }) => name);
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${job.path} has no stage "${unknown}"${didYouMean(unknown, all)}`, {
      code: 'unknown_stage',
      why: `its stages are: ${all.join(', ')}`,
      next: 'name one of them with --stage',
    });
  }
  const uses: Record<string, readonly string[]> = Object.create(null);
  const stages = job.stages
    .filter(({ name }) => names.includes(name))
    .map((stage): Stage => {
      const outside = stage.needs.filter((need) => !names.includes(need));
      if (outside.length === 0) return stage;
      if (outside.length < stage.needs.length) throw mixed(stage, outside, names);
      uses[stage.name] = outside;
      return { ...stage, needs: [] };
    });
  const used = new Set(Object.values(uses).flat());
  return { job: { ...job, stages }, given: job.stages.filter(({ name }) => used.has(name)), uses };
}

function mixed(stage: Stage, outside: readonly string[], names: readonly string[]): UsageError {
  const inside = stage.needs.filter((need) => names.includes(need)).join(', ');
  const others = names.filter((name) => name !== stage.name).map((name) => `--stage ${name}`);
  return new UsageError(`stage "${stage.name}" cannot run with ${inside} and without ${outside.join(', ')}`, {
    code: 'stages_mixed',
    why: `it needs ${stage.needs.join(', ')}, and takes either all of them from this job or all of them from their files`,
    next: `add ${outside.map((name) => `--stage ${name}`).join(' ')}, or run ${others.join(' ')} first and then --stage ${stage.name}`,
  });
}
