/** A program of the user's, started without a shell. */
export interface Command {
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** The folder it runs in, relative to the workspace; '' is the workspace. */
  readonly dir: string;
  /** Added to the environment. */
  readonly facts: Readonly<Record<string, string>>;
  /** The same for paths of the workspace, which are handed on absolute. */
  readonly paths: Readonly<Record<string, string>>;
  readonly stdin: string;
}

export type CommandEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'not_started'; readonly why: string };

/**
 * The repository that the workspace stands in. Paths are relative to the workspace, with forward slashes, and mean the
 * files of exactly these names.
 */
export interface GitRepository {
  inspect(paths: readonly string[], signal: AbortSignal): Promise<GitInspection>;
  /**
   * Commits the files as they stand, and nothing else that is staged or changed; hooks run as with `git commit`. When it
   * fails the index is as it was before.
   */
  commit(paths: readonly string[], message: string, signal: AbortSignal): Promise<GitCommitEnd>;
}

export type GitInspection =
  /** No repository here, no git, or git refused to look. */
  | { readonly kind: 'unusable'; readonly why: string }
  | {
      readonly kind: 'ready';
      /** New or changed since the last commit, staged or not; in the order asked for. */
      readonly changed: readonly string[];
      readonly ignored: readonly string[];
    };

export type GitCommitEnd =
  | { readonly kind: 'committed'; readonly commit: string }
  | { readonly kind: 'refused'; readonly why: string };

export type PostEnd =
  | { readonly kind: 'taken' }
  | {
      readonly kind: 'failed';
      readonly why: string;
      /** Whether the same call may succeed later. */
      readonly retryable: boolean;
      readonly retryAfterMs: number | null;
    };

/** What a job does outside the workspace once it is final. None of it throws but for the signal. */
export interface Outside {
  /** Its output is not ours: it goes where our talk goes. */
  runCommand(command: Command, signal: AbortSignal): Promise<CommandEnd>;
  readonly git: GitRepository;
  /** One POST; redirects are not followed. */
  post(url: string, body: string, signal: AbortSignal): Promise<PostEnd>;
}
