import { testOutages } from './outage.ts';
import { REDIS } from './scene.ts';

testOutages(REDIS);
