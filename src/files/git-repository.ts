import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { GitRepository } from '../core/ports/outside.ts';
import { errnoOf } from './job-disk-error.ts';

/** A command line of Windows holds 32,767 characters; other systems take more. */
const MAX_ARGUMENT_CHARACTERS = 24_000;

interface GitRun {
  /** Null: git could not be started. */
  readonly exitCode: number | null;
  readonly stdout: string;
  /** What it said, for a person. */
  readonly talk: string;
}

/**
 * The git repository that the folder `root` stands in, through the git program, 2.26 or newer (--pathspec-from-file).
 * Pathspecs are marked literal one by one: --literal-pathspecs would reach the user's hooks through the environment.
 */
export function openGitRepository(root: string, env: NodeJS.ProcessEnv): GitRepository {
  const realRoot = realpathSync(root);
  const git = (args: readonly string[], signal: AbortSignal, stdin = ''): Promise<GitRun> =>
    runGit(args, { cwd: realRoot, env, stdin, signal });
  const fromStdin = ['--pathspec-from-file=-', '--pathspec-file-nul'];
  const literal = (path: string): string => `:(literal)${path}`;
  const asStdin = (paths: readonly string[]): string => paths.map(literal).join('\0');

  /** git refuses to look beyond a link, so a path is named by the folder that it is really in. */
  const realPaths = (paths: readonly string[]): ReadonlyMap<string, string> => {
    const folders = new Map<string, string>();
    return new Map(
      paths.map((path) => {
        const folder = dirname(join(realRoot, path));
        const real = folders.get(folder) ?? realpathSync(folder);
        folders.set(folder, real);
        return [
          relative(realRoot, join(real, basename(path)))
            .split(sep)
            .join('/'),
          path,
        ];
      }),
    );
  };

  /** Real path → the letters of `git status`; a file that is as it was committed is left out. */
  async function readStatus(
    paths: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly found: ReadonlyMap<string, string>; readonly failure: GitRun | null }> {
    const found = new Map<string, string>();
    const place = await git(['rev-parse', '--show-prefix'], signal);
    if (place.exitCode !== 0) return { found, failure: place };
    const prefix = place.stdout.replace(/\n$/, '');
    for (const some of chunks(paths)) {
      const status = await git(
        [
          'status',
          '--porcelain=v1',
          '-z',
          '--untracked-files=all',
          '--no-renames',
          '--',
          ...some.map(literal),
        ],
        signal,
      );
      if (status.exitCode !== 0) return { found, failure: status };
      for (const entry of status.stdout.split('\0')) {
        // `XY path`, from the top of the repository. One that is staged as gone and is there again has two entries.
        if (entry !== '') found.set(entry.slice(3 + prefix.length), entry.slice(0, 2));
      }
    }
    return { found, failure: null };
  }

  return {
    async inspect(paths, signal) {
      const unusable = (run: GitRun) => ({ kind: 'unusable' as const, why: run.talk });
      const place = await git(['rev-parse', '--is-inside-work-tree'], signal);
      if (place.exitCode !== 0) return unusable(place);
      const real = realPaths(paths);
      const ignoring = await git(['check-ignore', '-z', '--stdin'], signal, [...real.keys()].join('\0'));
      // 1: none of them is ignored.
      if (ignoring.exitCode !== 0 && ignoring.exitCode !== 1) return unusable(ignoring);
      const ignored = new Set(ignoring.stdout.split('\0').filter((path) => path !== ''));
      const rest = [...real.keys()].filter((path) => !ignored.has(path));
      const { found, failure } = await readStatus(rest, signal);
      if (failure !== null) return unusable(failure);
      const asGiven = (path: string): string => real.get(path) ?? path;
      return {
        kind: 'ready',
        changed: rest.filter((path) => found.has(path)).map(asGiven),
        ignored: [...ignored].map(asGiven),
      };
    },

    async commit(paths, message, signal) {
      const refused = (run: GitRun) => ({ kind: 'refused' as const, why: run.talk });
      const real = [...realPaths(paths).keys()];
      const { found, failure } = await readStatus(real, signal);
      if (failure !== null) return refused(failure);
      // `commit --only` knows no file that the index does not know. Marked as meant to be added, it holds no content yet.
      const fresh = real.filter((path) => found.get(path) === '??');
      if (fresh.length > 0) {
        const add = await git(['add', '--intent-to-add', ...fromStdin], signal, asStdin(fresh));
        if (add.exitCode !== 0) return refused(add);
      }
      const commit = await git(
        ['commit', '--only', '--quiet', `--message=${message}`, ...fromStdin],
        signal,
        asStdin(real),
      );
      if (commit.exitCode === 0) {
        const head = await git(['rev-parse', '--short', 'HEAD'], signal);
        return { kind: 'committed', commit: head.stdout.trim() };
      }
      if (fresh.length > 0) {
        await git(['rm', '--cached', '--force', '--quiet', ...fromStdin], signal, asStdin(fresh));
      }
      return refused(commit);
    },
  };
}

function* chunks(paths: readonly string[]): Generator<readonly string[]> {
  let some: string[] = [];
  let characters = 0;
  for (const path of paths) {
    if (characters + path.length > MAX_ARGUMENT_CHARACTERS && some.length > 0) {
      yield some;
      some = [];
      characters = 0;
    }
    some.push(path);
    characters += path.length + 16;
  }
  if (some.length > 0) yield some;
}

function runGit(
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly stdin: string;
    readonly signal: AbortSignal;
  },
): Promise<GitRun> {
  const { cwd, env, stdin, signal } = options;
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, { cwd, env, signal, windowsHide: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => {
      if (signal.aborted) reject(signal.reason);
      else {
        const why = errnoOf(error) === 'ENOENT' ? 'git is not installed' : error.message;
        resolve({ exitCode: null, stdout, talk: why });
      }
    });
    child.on('close', (exitCode) => {
      if (signal.aborted) reject(signal.reason);
      else
        resolve({
          exitCode: exitCode ?? 128,
          stdout,
          talk: describeTalk(args, exitCode, `${stderr}${stdout}`),
        });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });
}

/** The last of what git or a hook said: that is where the reason stands. */
function describeTalk(args: readonly string[], exitCode: number | null, text: string): string {
  const said = text.trim().split('\n').slice(-8).join('\n  ').slice(-1_000);
  return said === '' ? `git ${args[0] ?? ''} left with exit code ${exitCode ?? 'none'}` : said;
}
