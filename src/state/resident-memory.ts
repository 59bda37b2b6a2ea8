// How much memory this process has resident, however short it is of descriptors.

/**
 * Bytes. `process.memoryUsage.rss` reads a file and throws where no descriptor is left: then it is the most there has ever
 * been, which the kernel tells without one.
 */
export function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}
