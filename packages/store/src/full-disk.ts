/** Whether the file system reports a full disk (ENOSPC) or a used-up quota (EDQUOT). */
export function isNoSpaceError(thrown: unknown): boolean {
  const { code } = (thrown ?? {}) as { readonly code?: unknown }
  return code === 'ENOSPC' || code === 'EDQUOT'
}
