//! box_office.
