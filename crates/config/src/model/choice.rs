//! Enums whose values are words of the file.

/// One word for each value.
pub(crate) trait Choice: Copy + 'static {
    /// Every value, its word and the lines of its doc comment.
    const ALL: &'static [(Self, &'static str, &'static [&'static str])];
}

/// Declares an enum and the words that stand for its values.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        $(#[derive($($derive:ident),+)])?
        $name:ident {
            $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash $($(, $derive)+)?)]
        pub enum $name {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl $name {
            /// The word that stands for it in the file.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }
        }

        impl $crate::model::Choice for $name {
            const ALL: &'static [(Self, &'static str, &'static [&'static str])] = &[
                $( (Self::$variant, $word, &[$($doc),+]), )+
            ];
        }
    };
}

pub(crate) use choice;
