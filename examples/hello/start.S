/* Where the machine enters the kernel: the header that a multiboot loader looks for, and a stack for C. */

        .set MAGIC, 0x1BADB002
        .set FLAGS, 0                   /* nothing is asked of the loader */

        /* Multiboot specification 0.6.96, section 3.1: within the first 8192 bytes of the file. */
        .section .multiboot, "a"
        .balign 4
        .long MAGIC
        .long FLAGS
        .long -(MAGIC + FLAGS)          /* the three add up to zero */

        /* Section 3.2: 32-bit protected mode, no paging, EAX = 0x2BADB002, EBX = the multiboot information. */
        .section .text
        .globl start
start:
        mov     $stack_top, %esp
        xor     %ebp, %ebp
        push    %ebx                    /* second argument */
        push    %eax                    /* first argument */
        call    kernel
1:      cli
        hlt
        jmp     1b

        .section .bss
        .balign 16
        .skip   4096
stack_top:

        .section .note.GNU-stack, "", @progbits
