import type { JobFileInput } from '../core/job-file-schema.ts';

/** A list, or anything that can be gone through once, with `for await` too. It is streamed. */
export type Values<T> = Iterable<T> | AsyncIterable<T>;

/** A ready-made request; sent as it is. */
export interface GivenRequest {
  /** 1-64 of `A-Z a-z 0-9 _ -`, unique in the job. */
  readonly custom_id: string;
  /** The parameters of a message: `model`, `max_tokens`, `messages` and so on. */
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * A job as a job file says it: the keys of docs/job-file.md, spelled as there, with paths relative to the workspace. Where
 * its records come from is said by one of three: `source`, as in a job file; `records`, objects whose keys are the columns;
 * or `requests`, ready-made, which need neither prompt nor model.
 */
export type JobDefinition =
  | (JobFileInput & { readonly records?: never; readonly requests?: never })
  | (Omit<JobFileInput, 'source'> & {
      readonly source?: never;
      readonly records: Values<object>;
      readonly requests?: never;
    })
  | (Omit<JobFileInput, 'source'> & {
      readonly source?: never;
      readonly records?: never;
      readonly requests: Values<GivenRequest>;
    });
