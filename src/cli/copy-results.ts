import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isFinal } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { Context } from './context.ts';

/** results.jsonl to `target`, a path as the user typed it or `-` for stdout. Says so when there is none yet. */
export async function copyResults(document: JobDocument, target: string, context: Context): Promise<void> {
  if (!isFinal(document.state) || document.output_dir === undefined) {
    const partial = `${document.output_dir ?? ''}/results.partial.jsonl`;
    const soFar = existsSync(resolve(context.wire.root, partial))
      ? `; the rows known so far are in ${partial}`
      : '';
    context.talk.warn(
      `nothing was written to ${target}: job ${document.job_id} is ${document.state}, not final yet${soFar}`,
    );
    return;
  }
  const source = resolve(context.wire.root, document.output_dir, 'results.jsonl');
  if (target === '-') await toStdout(source, context);
  else {
    await toFile(source, resolve(context.cwd, target));
    context.talk.say(`wrote ${target}`);
  }
}

async function toStdout(source: string, { output }: Context): Promise<void> {
  for await (const chunk of createReadStream(source)) {
    await output.data(chunk);
    if (output.isClosed) return;
  }
}

/** Under a temporary name first, so that a reader never finds half of it; a device or a pipe is written as it is. */
async function toFile(source: string, path: string): Promise<void> {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile()) {
    await pipeline(createReadStream(source), createWriteStream(path));
    return;
  }
  const temporary = `${path}.${process.pid}.partial`;
  try {
    await pipeline(
      createReadStream(source),
      createWriteStream(temporary, { flags: 'wx', mode: statSync(source).mode }),
    );
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}
