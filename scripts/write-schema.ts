// Writes schemas/job.schema.json from the zod schema of the job file: node scripts/write-schema.ts
import { writeFileSync } from 'node:fs';
import { jobFileJsonSchema } from '../src/core/job-file-schema.ts';

const target = new URL('../schemas/job.schema.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(jobFileJsonSchema(), null, 2)}\n`);
