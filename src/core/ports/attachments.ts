import type { Attachment } from '../stage.ts';

/** Images and documents named relative to the job file, confined to the workspace. */
export interface AttachmentReader {
  /**
   * Looks whether there is a file of a size that can be sent; reads nothing of it yet.
   *
   * @throws InputError when it is missing, outside, empty or too large.
   */
  open(path: string, kind: Attachment['kind']): Promise<OpenedAttachment>;
}

export interface OpenedAttachment {
  /** Of the file. */
  readonly bytes: number;
  /** @throws InputError when it is not what its kind takes: PNG, JPEG, GIF, WebP; PDF, UTF-8 text. */
  read(): Promise<AttachedBlock>;
}

/** A file as a content block. */
export interface AttachedBlock {
  /** `{"type":"image",…}` */
  readonly json: string;
  /** A rule of thumb for a plan, not a count. */
  readonly approxTokens: number;
}
