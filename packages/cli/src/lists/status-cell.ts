import type { Style, StyledText } from '../commands/runner/styled-line.ts'

const styles: Readonly<Record<string, Style>> = {
  active: 'good',
  enabled: 'good',
  current: 'good',
  in_doubt: 'warning',
  needs_reauth: 'bad',
  disabled: 'bad',
  expired: 'secondary',
  revoked: 'secondary',
  erased: 'secondary',
  unused: 'secondary',
}

/** A status in the colour that it has in all lists. */
export const statusCell = (status: string): StyledText | string => {
  const style = styles[status]
  return style ? { text: status, style } : status
}
