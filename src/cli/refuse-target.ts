import { resolve, sep } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { loadFrozen } from '../steps/frozen-job.ts';
import type { Context } from './context.ts';

const OWN_FOLDERS = ['.batchctl', 'batch_requests', 'batch_results'];

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
  for (const folder of OWN_FOLDERS) {
    if (`${absolute}${sep}`.startsWith(`${resolve(root, folder)}${sep}`))
      refuse(`${folder} is batchctl's own place`);
  }
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
