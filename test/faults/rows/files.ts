import type { FaultRow } from '../row.ts';

/** Write files and export. */
export const filesRows: readonly FaultRow[] = [
  {
    row: 'W1',
    fault: '`../../etc/passwd`, absolute path, `..`, empty, NUL in a name column',
    expected:
      'File names are ours: `NNNNNN-<slug>.json` where slug is [a-z0-9-], max 40, lower-cased, and the number makes it unique; the mapping is in `index.jsonl`. No user text becomes a directory',
    shownBy: [
      { file: 'corpus/golden.jsonl', title: 'a way up out of a column cannot leave the workspace' },
      { file: 'corpus/golden.jsonl', title: '.git that hides behind a zero-width character is refused' },
      { file: 'corpus/golden.jsonl', title: 'an output over the key file is refused' },
      { file: 'core/paths.test.ts', title: 'a path that could leave the workspace or is no file is refused' },
      {
        file: 'fuzz/properties.test.ts',
        title: 'an output path that is let through stays inside, and is the same on every system',
      },
    ],
  },
  {
    row: 'W2',
    fault: 'Case-insensitive or Unicode-normalising file systems (`A`/`a`, NFC/NFD)',
    expected: 'Unique number prefix makes names differ in ASCII lower case',
    shownBy: [{ file: 'core/paths.test.ts', title: "describe('foldPath'" }],
  },
  {
    row: 'W3',
    fault: '`CON`, `aux.txt`, `COM1`, trailing dot/space, `a:b`, 255-byte limit, 260-character path',
    expected:
      'Number prefix avoids device names; charset avoids the rest; total path measured, short form when long',
    shownBy: [
      { file: 'core/paths.test.ts', title: 'a name that some system refuses is made safe' },
      { file: 'corpus/golden.jsonl', title: 'an output path of more than 900 bytes is refused' },
    ],
  },
  {
    row: 'W4',
    fault: '100k files in one directory',
    expected: 'Fan out by number: `000/`, `001/` … of 1,000',
    reason:
      'Where a file goes is the user’s own path template; without one they stand in out/<stage>. Folders of 100,000 files are slow to list and nothing else, and no command lists one.',
  },
  {
    row: 'W5',
    fault: 'Existing file, symlink, directory in the way',
    expected:
      'Exclusive create of `.partial`, rename over our own files only; foreign content is never overwritten without `--overwrite`',
    shownBy: [
      {
        file: 'files/job-files.test.ts',
        title: 'does not write through a link planted at its temporary name, nor at its name',
      },
      { file: 'files/job-files.test.ts', title: 'through a folder that is a link' },
      { file: 'corpus/golden.jsonl', title: 'an output over the data that the job reads is refused' },
    ],
  },
  {
    row: 'W6',
    fault:
      'an output cannot be written: full disk, quota, no right, read-only, too many files, a broken disk',
    expected:
      'exit 6 with a reason of its own; the raw results are safe, and the next run writes the outputs from them',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a full disk at an output' },
      { file: 'crash/struck-places.test.ts', title: 'a used-up quota at an output' },
      { file: 'crash/struck-places.test.ts', title: 'a folder of outputs that may not be written' },
      { file: 'crash/struck-places.test.ts', title: 'a disk that became read-only before an output' },
      { file: 'crash/struck-places.test.ts', title: 'too many open files at an output' },
      { file: 'crash/struck-places.test.ts', title: 'a broken disk at an output of the last stage' },
    ],
  },
  {
    row: 'W7',
    fault: 'the program is killed between write, fsync, rename, fsync of the folder, and commit',
    expected: 'no half file has a final name, and each output is its row’s answer after the next run',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a kill while an output is written' },
      { file: 'crash/struck-places.test.ts', title: 'a kill before an output has its name' },
      {
        file: 'crash/syscalls.test.ts',
        title: 'is carried on to one batch a shard and one answer a row',
      },
      {
        file: 'crash/write-order.test.ts',
        title:
          'a file gets its final name after its fsync, and its folder is fsynced next; outputs and the names of holders are not',
      },
    ],
  },
  {
    row: 'W8',
    fault: 'the power is cut',
    expected:
      'every file that is state is fsynced before its rename, and its folder after it; an output can be made again from the raw results',
    shownBy: [
      {
        file: 'crash/write-order.test.ts',
        title:
          'a file gets its final name after its fsync, and its folder is fsynced next; outputs and the names of holders are not',
      },
    ],
    reason:
      'A real loss of unsynced data needs a file system of its own (LazyFS), which CI has not; the order of the calls is what it would test. Outputs are not fsynced, by choice: verify finds one that is gone, and retrieve writes it again.',
  },
  {
    row: 'W9',
    fault: 'Output directory deleted / replaced while running',
    expected: 'Detected by handle vs path inode before finalize; rebuild',
    shownBy: [{ file: 'library/jobs.test.ts', title: 'whose file is gone are made again from the raw ones' }],
  },
  {
    row: 'X1',
    fault: 'the program is killed around the commit that makes the job final',
    expected: 'done only after results.jsonl is in place; the next run ends in the same files',
    shownBy: [
      { file: 'crash/struck-places.test.ts', title: 'a kill before results.jsonl has its name' },
      {
        file: 'crash/struck-places.test.ts',
        title: 'a kill between results.jsonl and the commit that makes the job final',
      },
    ],
  },
  {
    row: 'X2',
    fault: 'CSV injection (`=`, `+`, `-`, `@`, tab, CR, and full-width twins at cell start)',
    expected:
      'Cells that start so are prefixed with `’` in CSV/TSV by default; `--raw-csv` opt-out; JSONL is untouched (ASVS 1.2.10; CWE-1236)',
    shownBy: [
      { file: 'cli/export.test.ts', title: 'get an apostrophe before them in csv, header and data alike' },
    ],
  },
  {
    row: 'X3',
    fault: 'HTML report XSS, remote loads',
    expected: 'Escape everything; CSP meta with no network; no inline event handlers',
    reason:
      'batchctl writes no HTML of its own. In an export with --template the user escapes, as docs/export.md says.',
  },
  {
    row: 'X4',
    fault: 'Numbers changed by re-encoding',
    expected: 'Raw result bytes are copied, never re-stringified',
    shownBy: [
      { file: 'steps/export-forms.test.ts', title: 'are copied digit for digit into json and jsonl' },
    ],
  },
  {
    row: 'X5',
    fault: 'Export to `/dev/full`, closed pipe (`| head`)',
    expected: 'ENOSPC: exit 6. EPIPE: quiet exit 0/141, no stack trace (default Node prints one )',
    shownBy: [
      { file: 'cli/export.test.ts', title: 'a full disk leaves with 6, for a file and for stdout' },
      { file: 'cli/export.test.ts', title: 'a reader that goes is no error' },
    ],
  },
  {
    row: 'X6',
    fault: 'Export while another process writes',
    expected: 'Read transaction snapshot',
    shownBy: [
      {
        file: 'steps/export-snapshot.test.ts',
        title: 'an export shows the job as it was when it began, whatever another process does meanwhile',
      },
    ],
  },
];
