/** Whether the file system found no room on the disk, or the user's share of it used up. */
export function isNoSpaceError(thrown: unknown): boolean {
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  return code === 'ENOSPC' || code === 'EDQUOT'
}
