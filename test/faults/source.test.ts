import { describeRows } from './describe-rows.ts';
import { sourceRows } from './rows/source.ts';

describeRows('read source', sourceRows);
