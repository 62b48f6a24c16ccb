import { StoreError } from '../core/errors.ts';
import { isFinal } from '../core/job.ts';
import type { JobDocument } from '../core/job-document.ts';
import type { Context } from './context.ts';

/** The document with who is at work on the job, where anybody is: a next step that takes the job's lock would be refused. */
export async function withHolder(document: JobDocument, { wire }: Context): Promise<JobDocument> {
  if (isFinal(document.state)) return document;
  const holder = await readHolder(document.job_id, wire);
  return holder === null ? document : { ...document, at_work: holder };
}

async function readHolder(jobId: string, wire: Context['wire']): Promise<string | null> {
  try {
    return (await wire.locks()).jobHolder(jobId);
  } catch (error) {
    // How a job stands can be told also where its locks cannot be read.
    if (error instanceof StoreError) return null;
    throw error;
  }
}
