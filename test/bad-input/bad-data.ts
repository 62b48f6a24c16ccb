import { beforeEach, describe, expect, test } from 'vitest';
import { makeTempDir } from '../support/temp-dir.ts';
import { type Files, runJob, writeFiles } from './run-job.ts';

/** Data that must be refused, and in which words. */
export interface BadData {
  readonly claim: string;
  readonly source: string;
  /** Further lines of the job file; null for ready-made requests. */
  readonly job?: string | null;
  readonly files: Files;
  /** Of the error that ends the job; absent when there are problems only. */
  readonly code?: string;
  readonly says?: readonly string[];
  /** Each problem, in order. */
  readonly problems?: readonly string[];
  /** How many records are still rendered; default 0. */
  readonly good?: number;
}

export const prompt = 'model: claude-sonnet-5-5\nmax_tokens: 500\nprompt: "Write about {{ name }}."\n';

export const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Runs each row of a table as a test of its own. */
export function testBadData(kind: string, table: readonly BadData[]): void {
  describe(`bad data in ${kind}`, () => {
    let root: string;
    beforeEach(() => {
      root = makeTempDir();
    });

    test.each(table)('$claim', async (row) => {
      const { source, job = prompt, files, code = null, says = [], problems = [], good = 0 } = row;
      writeFiles(root, { 'bad.job.yaml': `source: {${source}}\n${job ?? ''}`, ...files });
      const outcome = await runJob(root, 'bad.job.yaml');
      for (const part of says) expect(outcome.said).toContain(part);
      expect(outcome.code).toBe(code);
      expect(outcome.problems).toHaveLength(problems.length);
      for (const [index, problem] of problems.entries()) expect(outcome.problems[index]).toContain(problem);
      expect(outcome.requests).toHaveLength(good);
    });
  });
}
