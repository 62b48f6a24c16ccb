import { relative, resolve, sep } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { ownPlaceProblem } from '../core/paths.ts';
import { loadFrozen } from '../steps/frozen-job.ts';
import type { Context } from './context.ts';

/** A file that is written to must not be one that the job lives on: its state, its job file, its data. */
export async function refuseTarget(path: string, job: Job, context: Context): Promise<void> {
  const { root } = context.wire;
  const absolute = resolve(context.cwd, path);
  const refuse = (why: string): never => {
    throw new UsageError(`${path} is not written to`, {
      code: 'target_in_use',
      why,
      next: 'name another file',
    });
  };
  const place = relative(root, absolute).split(sep).join('/');
  // Outputs may go into batch_results; what was copied from there may not.
  const own =
    place.split('/')[0] === 'batch_results' ? 'batch_results is for the results' : ownPlaceProblem(place);
  if (own !== null) refuse(own);
  if (/\.job\.ya?ml$/.test(absolute) || (job.spec.file !== null && absolute === resolve(root, job.spec.file)))
    refuse('it is a job file');
  // Without the job as it was built nobody knows its data.
  const frozen = await loadFrozen(job, await context.wire.files()).catch(() => null);
  if (frozen === null) return;
  const paths = Object.values(frozen.source)
    .flat()
    .filter((value) => typeof value === 'string');
  if (paths.some((one) => resolve(root, frozen.dir, one) === absolute))
    refuse('the records of the job come from it');
}
