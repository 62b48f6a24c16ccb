import { describeRows } from './describe-rows.ts';
import { buildRows } from './rows/build.ts';

describeRows('build and split', buildRows);
