import type { JobFile } from '../../src/core/job-file.ts';
import { createAttachmentReader } from '../../src/files/attachments.ts';
import { createModuleLoader } from '../../src/files/load-module.ts';
import { createSchemaReader } from '../../src/files/schema-reader.ts';
import { createTextReader } from '../../src/files/text-files.ts';
import { toApiSchema } from '../../src/providers/anthropic/api-schema.ts';
import { openSource } from '../../src/sources/open-source.ts';
import type { RenderDeps } from '../../src/steps/render-requests.ts';
import type { ResolveDeps } from '../../src/steps/resolve-job.ts';

/** What it takes to resolve and to render a job whose workspace is `root`. */
export function renderDeps(
  root: string,
  { source, dir }: Pick<JobFile, 'source' | 'dir'>,
): RenderDeps & ResolveDeps {
  const place = { root, dir };
  return {
    source: openSource(source, place),
    texts: createTextReader(place),
    attachments: createAttachmentReader(place),
    schemas: createSchemaReader(place),
    modules: createModuleLoader(place),
    toApiSchema,
  };
}
