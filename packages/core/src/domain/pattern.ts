/** The source of a regular expression that matches this text and no other. */
export const escapedPattern = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`)

/** The same source, for matches that no letter or digit touches. It needs the flag `u`. */
export const wholeWordPattern = (source: string): string => String.raw`(?<![\p{L}\p{N}])${source}(?![\p{L}\p{N}])`
