import type { JobFile } from './job-file.ts';
import { foldPath, joinPath } from './paths.ts';
import type { Source } from './source.ts';

type Inputs = Pick<JobFile, 'dir' | 'path' | 'source'>;

const known = new WeakMap<Inputs, ReadonlySet<string>>();

/**
 * Whether an answer would be written over the job file or the data that it comes from: the sentence, or null. Outputs may
 * overwrite anything else, because making them again is what people do. Files that a glob finds are not looked at.
 */
export function ownInputProblem(path: string, job: Inputs): string | null {
  const inputs = known.get(job) ?? inputsOf(job);
  known.set(job, inputs);
  return inputs.has(foldPath(path)) ? `the output path is ${path}, which the job reads` : null;
}

function inputsOf(job: Inputs): ReadonlySet<string> {
  const named = sourcePaths(job.source).map((path) => joinPath(job.dir, path.replace(/^(?:\.\/)+/, '')));
  return new Set([job.path, ...named].map(foldPath));
}

function sourcePaths(source: Source): readonly string[] {
  const place = source.kind === 'requests' ? source.from : source;
  if ('paths' in place) return place.paths;
  return 'path' in place ? [place.path] : [];
}
