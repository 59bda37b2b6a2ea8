import { testBadWays } from './bad-way.ts';
import { REDIS } from './scene.ts';

testBadWays(REDIS);
