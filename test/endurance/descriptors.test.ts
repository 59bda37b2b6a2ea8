import { descriptors } from './descriptors.ts';
import { playShort } from './play.ts';

playShort(descriptors);
