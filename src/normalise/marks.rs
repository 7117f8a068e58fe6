//! What single bytes mean to the lexer, in tables.

/// Operators of more than one mark, longest first; those of distances would else be read as `->` of JSON.
pub(super) const LONG_OPERATORS: [&[u8]; 42] = [
    b"<->>>", b"<<<->", b"<->>", b"<<->", b"<->", b"<#>", b"<+>", b"<~>", b"<%>", b"-|-", b"!~~*",
    b"!~~", b"<=>", b"->>", b"#>>", b"!~*", b"~~*", b"...", b"<=", b">=", b"<>", b"!=", b":=",
    b"||", b"&&", b"<<", b">>", b"->", b"=>", b"::", b"@>", b"<@", b"#>", b"#-", b"?|", b"?&",
    b"~*", b"!~", b"~~", b"@@", b"@?", b"==",
];

/// Second marks of [`LONG_OPERATORS`].
const ENDS_OPERATOR: [bool; 256] = second_marks();

const fn second_marks() -> [bool; 256] {
    let mut table = [false; 256];
    let mut index = 0;
    while index < LONG_OPERATORS.len() {
        table[LONG_OPERATORS[index][1] as usize] = true;
        index += 1;
    }
    table
}

/// Byte classes: what a token that starts with the byte may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// White space, and control characters.
    Space,
    /// A word.
    Word,
    /// A number.
    Digit,
    /// A mark, or what a mark opens.
    Other,
}

const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class::Other; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            0..=b' ' | 0x7f => Class::Space,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80.. => Class::Word,
            b'0'..=b'9' => Class::Digit,
            _ => Class::Other,
        };
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

/// What a token that starts with `byte` may be.
#[inline]
pub(super) fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// Whether `byte` may stand in a word.
#[inline]
pub(super) fn is_word_byte(byte: u8) -> bool {
    matches!(class(byte), Class::Word | Class::Digit) || byte == b'$'
}

/// Whether `byte` is the second mark of one of [`LONG_OPERATORS`].
#[inline]
pub(super) fn ends_operator(byte: u8) -> bool {
    ENDS_OPERATOR[usize::from(byte)]
}
