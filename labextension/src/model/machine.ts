/**
 * Machines as people write them.
 */

/** Machine and accelerator as the magic takes them: `n1-standard-8+NVIDIA_TESLA_T4*2`. */
export function machineOf(given: Readonly<Record<string, string>>): string {
  const accelerator = given.accelerator ?? '';
  const count = Number(given['accelerator-count'] ?? '0');
  const more = accelerator && count > 1 ? `*${count}` : '';
  return [given['machine-type'] ?? '', `${accelerator}${more}`].filter(Boolean).join('+');
}
