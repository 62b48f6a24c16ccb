import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOUND, SEARCHED, searchFolder } from './canary.ts';

/**
 * A folder for all that the suite writes: the workers and their children take it for the system's temporary folder. When
 * the suite is over, what is left there is searched for the canary, and what was found before is told.
 */
export default function setup(): () => void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'batchctl-suite-')));
  // As the system's own lets anybody through to what is theirs: a test steps down to an ordinary user.
  chmodSync(folder, 0o711);
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) process.env[name] = folder;
  // For children alone (run-cli.ts): what the workers compile has the canary in it.
  process.env['SUITE_COMPILE_CACHE'] = join(folder, 'compile-cache');
  return () => {
    searchFolder(folder);
    const found = [...new Set(readLines(join(folder, FOUND)))];
    if (found.length > 0) {
      throw new Error(`the API key of the tests was found in what the suite produced:\n${found.join('\n')}`);
    }
    const sums = readLines(join(folder, SEARCHED)).map((line) => line.split(' ').map(Number));
    const [files, bytes] = [0, 1].map((index) => sums.reduce((sum, one) => sum + (one[index] ?? 0), 0));
    process.stdout.write(`canary key: in 0 of ${files} files, ${bytes} bytes\n`);
    rmSync(folder, { recursive: true, force: true });
  };
}

function readLines(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
