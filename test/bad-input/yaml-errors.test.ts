import { good, head, testBadJobFiles } from './bad-job-file.ts';

testBadJobFiles('text that cannot be read', [
  {
    claim: 'broken YAML gives line and column',
    job: `${good}output: "a\n`,
    code: 'job_file_yaml',
    says: ['bad.job.yaml:6:1: Missing closing "quote'],
  },
  {
    claim: 'a key that stands twice is refused',
    job: `${good}model: other\n`,
    code: 'job_file_yaml',
    says: [':5:1: the same key stands twice'],
  },
  {
    claim: 'a tab as indentation is refused',
    job: `${head}source:\n\tcsv: a\n`,
    code: 'job_file_yaml',
    says: [':4:1:', 'tab'],
  },
  {
    claim: 'a custom tag is refused',
    job: `${good}output: !!js/function "a"\n`,
    code: 'job_file_yaml',
    says: [':5:9: a tag (!name) that job files do not have'],
  },
  {
    claim: 'a second document is refused',
    job: `${good}---\na: 1\n`,
    code: 'job_file_yaml',
    says: ['a second document'],
  },
  {
    claim: 'a bomb of aliases is refused',
    job: `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
    code: 'job_file_yaml',
    says: ['aliases'],
  },
  {
    claim: '__proto__ is no key',
    job: `${good}params: {__proto__: {a: 1}}\n`,
    code: 'job_file_yaml',
    says: [':5:10: "__proto__" cannot be a key'],
  },
  {
    claim: 'an integer that would be rounded is refused',
    job: `${good}params: {metadata: {user_id: 12345678901234567890}}\n`,
    code: 'job_file_yaml',
    says: [':5:', 'a number too large to be kept exactly; put it in quotes'],
  },
  {
    claim: 'a job file in Latin-1 is refused',
    job: Uint8Array.from([...Buffer.from(good), 0x23, 0xe9, 0x0a]),
    code: 'job_file_unreadable',
    says: ['line 5', 'iconv'],
  },
  {
    claim: 'a job file in UTF-16 is refused',
    job: Buffer.from(`\uFEFF${good}`, 'utf16le'),
    code: 'job_file_unreadable',
    says: ['UTF-16LE', 'iconv -f UTF-16'],
  },
  {
    claim: '--set without = is refused',
    job: good,
    sets: ['model'],
    code: 'bad_set',
    says: ['--set model: there is no "="'],
  },
  {
    claim: '--set with a broken value is refused',
    job: good,
    sets: ['params={a: '],
    code: 'bad_set',
    says: ['--set params: the value is not valid'],
  },
  {
    claim: '--set below a text is refused',
    job: good,
    sets: ['prompt.file=a.md'],
    code: 'bad_set',
    says: ['not a mapping', '"file"'],
  },
  {
    claim: '--set of __proto__ is refused',
    job: good,
    sets: ['__proto__.a=1'],
    code: 'bad_set',
    says: ['"__proto__" cannot be a key'],
  },
  {
    claim: 'a wrong value of --set is told as one of --set',
    job: good,
    sets: ['max_tokens=many'],
    code: 'job_file_invalid',
    says: ['--set max_tokens: "max_tokens" must be a whole number'],
  },
]);
